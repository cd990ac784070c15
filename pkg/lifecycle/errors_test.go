package lifecycle_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	t.Run("the owner's name is quoted", ownersNameIsQuoted)
	t.Run("the log of a hook is shown as it is", theLogOfAHookIsShownAsItIs)
	t.Run("a log that cannot be read is not the cause", unreadableLogIsNotTheCause)
	t.Run("a failed hook names what was applied early", failedHookNamesAppliedEarly)
	t.Run("many objects applied early are counted", manyAppliedEarlyAreCounted)
}

// The owner of an object is somebody's text: it stands on one line, whatever is in it.
func ownersNameIsQuoted(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	put(cluster, map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{
		"name": "app", "namespace": "web", "annotations": map[string]any{
			plan.AnnotationRelease: "a\nwarning: all is well", plan.AnnotationNamespace: strings.Repeat("x", 300),
		},
	}})
	_, _, err := run(t, cluster, mustPlan(t, plantest.Object("v1", "ConfigMap", "app"), plan.Options{}))
	if err == nil || strings.Contains(err.Error(), "\nwarning") || len(err.Error()) > 500 || !strings.Contains(err.Error(), `/"a\nwarning: all is well" (`) {
		t.Errorf("got %v", err)
	}
}

func theLogOfAHookIsShownAsItIs(t *testing.T) {
	t.Parallel()
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	failed := &lifecycle.HookError{Hook: release.Hook{Title: "test/a", Message: "exited", Container: "c", LogTail: "dial: context canceled"}}
	for _, err := range []error{failed, fmt.Errorf("test shop: %w", failed)} {
		if got := lifecycle.WithCause(interrupted, err).Error(); !strings.Contains(got, "  | dial: context canceled") {
			t.Errorf("the log is not in %q", got)
		}
	}
}

func unreadableLogIsNotTheCause(t *testing.T) {
	t.Parallel()
	c := newCluster()
	code := int32(3)
	c.outcomes["shop-migrate"] = func(context.Context) (kube.HookOutcome, error) {
		return kube.HookOutcome{
			Reason: "Error", Message: `container "c" exited with code 3`, Container: "c", ExitCode: &code, Attempts: 1,
			LogHint: "cannot read logs: no route to host",
		}, nil
	}
	kept, _, err := run(t, c, mustPlan(t, plantest.Hook("migrate", "pre-install", ""), plan.Options{}))
	record := kept.last.Status.Hooks[0]
	if record.LogNote != "cannot read logs: no route to host" || strings.Contains(record.Message, "cannot read") {
		t.Errorf("the record says %q, and notes %q", record.Message, record.LogNote)
	}
	const want = "hook pre-install/migrate failed: container \"c\" exited with code 3 (0s, 1 attempt)\nnote: cannot read logs: no route to host"
	if err == nil || err.Error() != want {
		t.Errorf("the error is %v", err)
	}
	if strings.Contains(kept.last.Status.Message, "cannot read") {
		t.Errorf("the release says %q", kept.last.Status.Message)
	}
}

func failedHookNamesAppliedEarly(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	first := mustPlan(t, versioned("1"), plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	cluster.outcomes["shop-migrate"] = exit3
	second := upgrade(t, versioned("2", plantest.Object("v1", "Secret", "new")), first.Release.Inventory, nil)
	kept, _, err := run(t, cluster, second)
	want := `hook pre-upgrade/migrate failed: container "c" exited with code 3 (0s, 2 attempts); applied before it: Secret/db, Secret/new`
	if err == nil || !strings.HasPrefix(err.Error(), want+"\n") || kept.last.Status.Message != want {
		t.Errorf("got %v\nand %s", err, kept.last.Status.Message)
	}
}

func manyAppliedEarlyAreCounted(t *testing.T) {
	t.Parallel()
	var text, container strings.Builder
	for i := range 50 {
		text.WriteString(plantest.Object("v1", "Secret", fmt.Sprintf("s%02d", i)))
		fmt.Fprintf(&container, "{secretRef: {name: s%02d}},", i)
	}
	cluster := newCluster()
	cluster.outcomes["shop-migrate"] = exit3
	_, _, err := run(t, cluster, mustPlan(t, text.String()+plantest.PodHook("pre-install", "", ", envFrom: ["+container.String()+"]", ""), plan.Options{}))
	if err == nil || !strings.Contains(err.Error(), "Secret/s08, Secret/s09 and 40 more\n") {
		t.Error(err)
	}
}
