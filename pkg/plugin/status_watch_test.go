package plugin

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/cmd/get"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/progress"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/terminal"
)

func TestStatusWatch(t *testing.T) {
	t.Parallel()
	t.Run("on a terminal a revision is drawn anew in its place", statusIsDrawnAnewInItsPlace)
	t.Run("the frame is no larger than the terminal", statusFrameFitsTheTerminal)
	t.Run("elsewhere each change is a line", statusChangesAreLines)
}

func TestStatusAdvice(t *testing.T) {
	t.Parallel()
	t.Run("what was interrupted can be continued", statusSaysHowToContinue)
}

// upgrading is a revision whose hook has begun now.
func upgrading() *statusFound {
	begun := metav1.NewTime(time.Now())
	r := revision(3, release.PendingUpgrade)
	r.Spec.Pack = release.Pack{Name: "shop", Version: "1.0.0"}
	r.Status.Operation, r.Status.StartedAt = release.OperationUpgrade, &begun
	r.Status.Hooks = []release.Hook{{Phase: "pre-upgrade", Title: "pre-upgrade/migrate", State: release.HookRunning, StartedAt: &begun}}
	return &statusFound{Release: r, isNewest: true}
}

// viewOn shows revisions on a terminal of some rows.
func viewOn(v *terminal.Terminal, height int) *statusView {
	options := &StatusOptions{Name: "shop", Output: outputFlags{PrintFlags: get.NewGetPrintFlags()}}
	return &statusView{StatusOptions: options, screen: progress.NewTerminal(v, func() (int, int) { return v.Width, height })}
}

const statusHead = "Name:       shop\nNamespace:  a\nPack:       shop-1.0.0\nRevision:   3\n"

// What has been running is told of each second; what it came to stays, whole.
func statusIsDrawnAnewInItsPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &terminal.Terminal{Width: 100}
		view, found := viewOn(v, 40), upgrading()
		for _, step := range []struct {
			change func()
			isLast bool
			want   string
		}{
			{func() {}, false, "Status:     pending-upgrade\nStarted:    2000-01-01T00:00:00Z (0s ago)\nHooks:\n  pre-upgrade/migrate: Running"},
			{func() { <-time.After(2 * time.Second) }, false, "Status:     pending-upgrade\nStarted:    2000-01-01T00:00:00Z (2s ago)\n" +
				"Hooks:\n  pre-upgrade/migrate: Running\nDurations:\n  pre-upgrade/migrate  2s so far"},
			{func() {
				found.Status.Phase, found.Status.StartedAt = release.Deployed, nil
				found.Status.Hooks[0].State, found.Status.Hooks[0].ElapsedMS = release.HookSucceeded, 2345
			}, true, "Status:     deployed\nHooks:\n  pre-upgrade/migrate: Succeeded\nDurations:\n  pre-upgrade/migrate  2.3s"},
		} {
			step.change()
			if err := view.Show(found, step.isLast); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(statusHead+step.want, v.Shown()); diff != "" {
				t.Fatalf("-want +got:\n%s", diff)
			}
		}
		// The frame has gone: nothing is drawn over what stays.
		if err := view.screen.Draw(nil, []string{"$"}); err != nil || !strings.HasSuffix(v.Shown(), "2.3s\n$") {
			t.Errorf("error %v; it shows:\n%s", err, v.Shown())
		}
	})
}

func statusFrameFitsTheTerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &terminal.Terminal{Width: 12}
		view := viewOn(v, 4)
		for range 2 {
			if err := view.Show(upgrading(), false); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("Name:       \nNamespace:", v.Shown()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		}
	})
}

func statusChangesAreLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	options := &StatusOptions{Name: "shop", IOStreams: genericiooptions.IOStreams{Out: &out}}
	view, found := options.newView(), upgrading()
	for range 2 {
		if err := view.Show(found, false); err != nil {
			t.Fatal(err)
		}
	}
	found.Status.Hooks[0].State, found.Status.Hooks[0].ElapsedMS = release.HookSucceeded, 2345
	if err := view.Show(found, true); err != nil {
		t.Fatal(err)
	}
	want := "revision 3: pending-upgrade\npre-upgrade/migrate: Running\npre-upgrade/migrate: Succeeded, took 2.3s\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Only the operation of the newest revision can be continued, and only where nobody works on it.
func statusSaysHowToContinue(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		namespace   string
		interrupted release.Operation
		isNewest    bool
		want        string
	}{
		"interrupted":                     {interrupted: release.OperationUpgrade, isNewest: true, want: "To continue: kubectl sherpack resume shop\n"},
		"in a namespace that was given":   {"web", release.OperationUpgrade, true, "To continue: kubectl sherpack resume shop -n web\n"},
		"under way":                       {isNewest: true},
		"interrupted, and not the newest": {interrupted: release.OperationUpgrade},
	} {
		var said bytes.Buffer
		streams := genericiooptions.IOStreams{ErrOut: &said}
		flags := newClusterFlags(streams)
		flags.KubeConfig, flags.Namespace = ptr.To(os.DevNull), &test.namespace
		found := upgrading()
		found.Status.Interrupted, found.isNewest = test.interrupted, test.isNewest
		options := &StatusOptions{Name: "shop", Getter: flags, IOStreams: streams}
		options.advise(found)
		if diff := cmp.Diff(test.want, said.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
