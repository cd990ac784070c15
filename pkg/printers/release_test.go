package printers_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	cliprinters "k8s.io/cli-runtime/pkg/printers"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/golden"
)

// noon is when the tests take place; moment is a time before it.
func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func moment(before time.Duration) *metav1.Time { return ptr.To(metav1.NewTime(noon().Add(-before))) }

func job(phase, name string, state release.HookState) release.Hook {
	return release.Hook{
		Title: phase + "/" + name, Phase: phase, APIVersion: "batch/v1", Kind: "Job", Namespace: "web", Name: "shop-" + name, State: state,
	}
}

// deployed is a release all of which went well.
func deployed() *release.Release {
	r := release.New("shop", "web", 2)
	r.UID, r.ResourceVersion, r.CreationTimestamp = "1-2-3", "42", *moment(3 * time.Hour)
	r.Spec.Pack = release.Pack{Name: "shop", Version: "1.2.0", AppVersion: "2.4.1"}
	r.Status = release.Status{
		Phase: release.Deployed, Operation: "install", StartedAt: moment(3 * time.Hour), FinishedAt: moment(3*time.Hour - 42*time.Second),
		Hooks:  []release.Hook{job("pre-install", "migrate", release.HookSucceeded), job("post-install", "notify", release.HookSucceeded)},
		Writer: "abcd1234", Seq: 5,
	}
	r.Status.Hooks[0].UID, r.Status.Hooks[0].Attempts, r.Status.Hooks[0].Weight = "4-5-6", 1, -5
	r.Content = release.Content{Manifest: "a: secret", Values: map[string]any{"password": "secret"}}
	r.Inventory = []release.Entry{
		{Group: "apps", Version: "v1", Kind: "Deployment", Namespace: "web", Name: "shop", UID: "7", Role: release.Regular, Origin: release.Created, Hash: "abc", Generation: 1},
		{Version: "v1", Kind: "ConfigMap", Namespace: "shared", Name: "shop", UID: "8", Role: release.Regular, Origin: release.Adopted, Keep: true},
		{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRole", Name: "shop:reader", UID: "9", Role: release.Regular, Origin: release.Created},
		{Version: "v1", Kind: "Secret", Namespace: "web", Name: "never-applied", Role: release.Regular},
	}
	r.SetCondition(*moment(3*time.Hour - 42*time.Second))
	return r.Shown(2)
}

// failed is a release whose second hook failed, on top of one that is deployed.
func failed() *release.Release {
	r := deployed()
	r.Spec.Revision, r.Status.DeployedRevision, r.Inventory = 3, 2, nil
	r.Status.Phase, r.Status.Message = release.Failed, "hook post-install/notify failed: container notify exited with code 1"
	notify := &r.Status.Hooks[1]
	notify.State, notify.Reason, notify.ExitCode = release.HookFailed, "BackoffLimitExceeded", ptr.To[int32](1)
	notify.Message = "container notify exited with code 1 (12.5s, 3 attempts)\nthe log may not be read: pods/log is forbidden"
	notify.Attempts, notify.Container = 3, "notify"
	notify.LogTail = "connecting to chat.example.com\n\tretrying\n\x1b[31mfatal: no route\x1b[0m\n\n"
	r.Status.Hooks = append(r.Status.Hooks, job("post-install", "warm", release.HookSkipped), job("test", "smoke", release.HookPending))
	r.Status.Hooks[2].Reason = release.ReasonNotReached
	return r
}

// broken is where nothing can be written.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, os.ErrClosed }

// printed is what a printer of kubectl makes of an object.
func printed(t *testing.T, printer cliprinters.ResourcePrinter, object runtime.Object) string {
	t.Helper()
	var out bytes.Buffer
	if err := printer.PrintObj(object, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestStatus(t *testing.T) {
	t.Parallel()
	t.Run("releases in all states", statusInAllStates)
	t.Run("how objects are, and how the tests went", statusOfObjectsAndTests)
	t.Run("one that cannot be written is an error", statusThatCannotBeWritten)
}

func statusOfObjectsAndTests(t *testing.T) {
	t.Parallel()
	r := failed()
	r.Spec.Provenance = &release.Provenance{User: "ann", Host: "laptop", Commit: "0123456789abcdef", Dirty: true, Digest: "sha256:89ab"}
	migrate, smoke, load := &r.Status.Hooks[0], &r.Status.Hooks[3], job("test", "load", release.HookSucceeded)
	migrate.StartedAt, migrate.ElapsedMS, migrate.Attempts = moment(3*time.Hour), 65_400, 2
	smoke.State, smoke.ExitCode, smoke.StartedAt, smoke.FinishedAt = release.HookFailed, ptr.To[int32](1), moment(time.Minute), moment(50*time.Second)
	load.StartedAt, load.FinishedAt = moment(50*time.Second), moment(48*time.Second)
	running := job("post-install", "clean", release.HookRunning)
	running.StartedAt = moment(12 * time.Second)
	r.Status.Hooks = append(r.Status.Hooks, load, running)
	live := []printers.Live{
		{Condition: "NotReady", Message: "0 of 1 updated replicas are available", Reasons: []string{"Pod shop-x: ImagePullBackOff", "Warning: a\tb"}, Created: noon().Add(-time.Hour)},
		{Condition: "Unknown", Message: "no right to get it"},
		{Condition: "Ready", Created: noon().Add(-time.Minute)},
	}
	for name, wide := range map[string]bool{"status-live": false, "status-wide": true} {
		var out bytes.Buffer
		if err := printers.Status(&out, printers.StatusView{Release: r, RolledBack: "to revision 2 (now revision 4)", Live: live, Wide: wide, Now: noon()}); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, name+".txt", out.String())
	}
}

func statusInAllStates(t *testing.T) {
	t.Parallel()
	skipped := deployed()
	for i := range skipped.Status.Hooks {
		skipped.Status.Hooks[i].State, skipped.Status.Hooks[i].Reason = release.HookSkipped, release.ReasonNoHooks
	}
	other := deployed()
	other.Spec.Revision, other.Status.Phase, other.Status.FinishedAt = 3, release.PendingUpgrade, nil
	bare := release.New("shop", "web", 1)
	bare.Status.Phase = release.PendingInstall
	hostile := release.New("shop", "web", 1)
	hostile.Spec.Pack = release.Pack{Name: "shop", Version: "1.0.0", AppVersion: "1\nStatus:\tdeployed\x1b[2J"}
	hostile.Status.Phase, hostile.Status.Message = release.Failed, "a\tb\r\nc\xff"
	for name, r := range map[string]*release.Release{
		"status-deployed": deployed(), "status-failed": failed(), "status-skipped": skipped,
		"status-other-is-deployed": other, "status-bare": bare, "status-hostile": hostile,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if err := printers.Status(&out, printers.StatusView{Release: r, Now: noon()}); err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, name+".txt", out.String())
		})
	}
}

func statusThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	if err := printers.Status(broken{}, printers.StatusView{Release: deployed(), Now: noon()}); err == nil {
		t.Error("there is none")
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	t.Run("it is what kubectl prints", listIsWhatKubectlPrints)
}

func listIsWhatKubectlPrints(t *testing.T) {
	t.Parallel()
	list, err := printers.List(release.History{deployed(), failed()})
	if err != nil {
		t.Fatal(err)
	}
	path, err := cliprinters.NewJSONPathPrinter(`{.apiVersion} {.kind}: {.items[*].spec.revision} {.items[0].status.hooks[0].title}`)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := printed(t, path, list), "sherpack.io/v1alpha1 ReleaseList: 2 3 pre-install/migrate"; got != want {
		t.Errorf("jsonpath prints %q, want %q", got, want)
	}
	if got, want := printed(t, &cliprinters.NamePrinter{}, list), strings.Repeat("release.sherpack.io/shop\n", 2); got != want {
		t.Errorf("name prints %q, want %q", got, want)
	}
	var back struct{ Items []release.Release }
	if err := yaml.Unmarshal([]byte(printed(t, &cliprinters.YAMLPrinter{}, list)), &back); err != nil || len(back.Items) != 2 {
		t.Fatalf("%d releases are read back, error %v", len(back.Items), err)
	}
	want := failed()
	want.Content, want.Inventory = release.Content{}, nil
	if diff := cmp.Diff(*want, back.Items[1]); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	none, err := printers.List(nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := printed(t, &cliprinters.YAMLPrinter{}, none), "apiVersion: sherpack.io/v1alpha1\nitems: []\nkind: ReleaseList\n"; got != want {
		t.Errorf("an empty list is %q, want %q", got, want)
	}
}

func TestObject(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*release.Release{
		"object-deployed": deployed(), "object-failed": failed(), "object-bare": release.New("shop", "web", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			object, err := printers.Object(r)
			if err != nil {
				t.Fatal(err)
			}
			text, err := yaml.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(text, []byte("secret")) {
				t.Error("it shows values or the manifest")
			}
			golden.Compare(t, name+".txt", string(text))
		})
	}
}
