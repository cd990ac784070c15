package progress

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/golden"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	t.Run("as text", textEvents)
	t.Run("as JSON", jsonEvents)
	t.Run("what cannot be written is lost", eventsThatCannotBeWrittenAreLost)
	t.Run("what is escaped means the same to programs", escapedEventsMeanTheSame)
}

func textEvents(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	view := NewPlain(NewScreen(&out), Style{}, 1)
	for _, event := range events() {
		view.Observe(event)
	}
	view.Close()
	golden.Compare(t, "events-text.txt", out.String())
}

// events are those of a run, with one of each type at least.
func events() []lifecycle.Event {
	migrate := &lifecycle.EventHook{Kind: "Job", Namespace: "web", Name: "shop-migrate"}
	about := func(group, kind, name string) *lifecycle.EventObject {
		return &lifecycle.EventObject{Group: group, Version: "v1", Kind: kind, Namespace: "web", Name: name, UID: "1-2"}
	}
	hook := func(outcome lifecycle.Outcome) lifecycle.Outcome {
		outcome.Phase, outcome.Hook, outcome.Title = "pre-install", migrate, "pre-install/migrate"
		return outcome
	}
	var list []lifecycle.Event
	add := func(kind lifecycle.EventType, outcome lifecycle.Outcome) {
		list = append(list, lifecycle.Event{
			Time: noon().Add(time.Duration(len(list)) * 1500 * time.Millisecond), Seq: len(list) + 1, Type: kind,
			Operation: release.OperationInstall, Release: "shop", Namespace: "web", Revision: 1, Outcome: outcome,
		})
	}
	add(lifecycle.OperationStarted, lifecycle.Outcome{})
	add(lifecycle.HookSkipped, lifecycle.Outcome{Phase: "post-install", Title: "post-install/notify", Result: "Skipped", Reason: "SkippedByUser"})
	add(lifecycle.PhaseStarted, lifecycle.Outcome{Phase: "pre-install", Message: "1 hook"})
	add(lifecycle.HookStarted, hook(lifecycle.Outcome{Result: "Running", Summary: "Running", Index: 1, Count: 2}))
	add(lifecycle.HookProgress, hook(lifecycle.Outcome{}))
	add(lifecycle.HookProgress, hook(lifecycle.Outcome{Reason: "ImagePullBackOff"}))
	add(lifecycle.HookProgress, hook(lifecycle.Outcome{Reason: "FailedCreate", Message: `pods "shop-migrate-x" is forbidden: <quota> & more`}))
	add(lifecycle.HookProgress, hook(lifecycle.Outcome{Message: "suspended"}))
	add(lifecycle.HookFinished, hook(lifecycle.Outcome{Result: "Succeeded", Summary: "Succeeded", ElapsedMS: 61260}))
	add(lifecycle.HookFinished, hook(lifecycle.Outcome{Result: "Failed", Summary: "Failed (OOMKilled)", Reason: "OOMKilled", ElapsedMS: 40}))
	add(lifecycle.PhaseFinished, lifecycle.Outcome{Phase: "pre-install", Result: "Succeeded", ElapsedMS: 61300})
	add(lifecycle.WaveStarted, lifecycle.Outcome{Message: "2 objects", Wave: 3})
	add(lifecycle.ObjectApplied, lifecycle.Outcome{Object: about("apps", "Deployment", "shop"), Result: "created"})
	add(lifecycle.ObjectApplied, lifecycle.Outcome{Object: about("", "ConfigMap", "shop"), Result: "unchanged"})
	add(lifecycle.ObjectApplied, lifecycle.Outcome{Object: about("", "Secret", "shop"), Result: "Failed", Message: "it is part of the error"})
	add(lifecycle.WaveFinished, lifecycle.Outcome{Result: "Succeeded", ElapsedMS: 12, Wave: 3})
	add(lifecycle.WaitStarted, lifecycle.Outcome{Message: "2 objects"})
	add(lifecycle.WaitProgress, lifecycle.Outcome{Object: about("apps", "Deployment", "shop"), Result: "Waiting", Message: "0 of 3 updated replicas are available"})
	add(lifecycle.WaitProgress, lifecycle.Outcome{Object: about("apps", "Deployment", "shop"), Result: "Ready"})
	add(lifecycle.WaitFinished, lifecycle.Outcome{Result: "Succeeded", ElapsedMS: 900})
	add(lifecycle.DeletionStarted, lifecycle.Outcome{Phase: "post-install", Count: 1, Message: "deleting 1 object"})
	add(lifecycle.DeletionFinished, lifecycle.Outcome{Phase: "post-install", Result: "Succeeded"})
	add(lifecycle.DeletionStarted, lifecycle.Outcome{Count: 2, Message: "deleting 2 objects"})
	add(lifecycle.DeletionProgress, lifecycle.Outcome{Object: about("", "ConfigMap", "held"), Result: "Waiting", Message: "it has the finalizers example.com/held"})
	add(lifecycle.DeletionProgress, lifecycle.Outcome{Object: about("", "ConfigMap", "held"), Result: "deleted"})
	add(lifecycle.DeletionFinished, lifecycle.Outcome{Result: "Succeeded", ElapsedMS: 5000})
	add(lifecycle.ObjectDeleted, lifecycle.Outcome{Object: about("rbac.authorization.k8s.io", "ClusterRole", "shop:reader"), Result: "deleted"})
	add(lifecycle.ObjectKept, lifecycle.Outcome{Object: about("", "Namespace", "shop"), Result: "kept"})
	elsewhere := &lifecycle.EventObject{Group: "apps", Version: "v1", Kind: "Deployment", Namespace: "kube-system", Name: "coredns"}
	add(lifecycle.ObjectApplied, lifecycle.Outcome{Object: elsewhere, Result: "created"})
	add(lifecycle.WaitProgress, lifecycle.Outcome{Object: elsewhere, Result: "Ready"})
	add(lifecycle.PreflightSkipped, lifecycle.Outcome{Object: elsewhere, Message: "its kind is not served yet"})
	add(lifecycle.ObjectDeleted, lifecycle.Outcome{Object: elsewhere, Result: "deleted"})
	add(lifecycle.Warning, lifecycle.Outcome{Message: "pods/log may not be read\x1b[2J"})
	add(lifecycle.OperationFinished, lifecycle.Outcome{Result: "Failed", Message: "hook failed\nwith two lines", ElapsedMS: 70000})
	return list
}

// noon is when the tests take place.
func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// hostile steers a terminal.
const hostile = "a\x1b[2J\x1b]0;title\a\u009b31m\u009d0;x\u009c\rb\b\x7f\u202ec\u2066d\x00"

// broken is where nothing can be written.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func jsonEvents(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	stream := NewJSONLines(&out, "v1")
	for _, event := range events() {
		stream.Observe(event)
	}
	_, first, _ := strings.Cut(out.String(), "\n")
	golden.Compare(t, "events-json.txt", first)

	lines := strings.Split(strings.TrimSuffix(first, "\n"), "\n")
	want := events()
	for i := range want {
		// The first line says in which form the others are.
		want[i].Seq++
	}
	if len(lines) != len(want) {
		t.Fatalf("%d events are written as %d lines", len(want), len(lines))
	}
	for i, line := range lines {
		var got lifecycle.Event
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		// These are for the text alone.
		want[i].Title, want[i].Summary, want[i].Wave = "", "", 0
		if diff := cmp.Diff(want[i], got); diff != "" {
			t.Errorf("event %d read back (-want +got):\n%s", i, diff)
		}
	}
}

func eventsThatCannotBeWrittenAreLost(t *testing.T) {
	t.Parallel()
	for _, view := range []View{NewPlain(NewScreen(broken{}), Style{}, 0), NewLive(NewScreen(broken{}), Style{}), NewJSONLines(broken{}, "v1")} {
		for _, event := range events() {
			view.Observe(event)
		}
		view.Close()
	}
}

// What is escaped means the same to programs.
func escapedEventsMeanTheSame(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	NewJSONLines(&out, "v1").Observe(lifecycle.Event{Outcome: lifecycle.Outcome{Message: hostile + "<&>\n\t世界"}})
	var got lifecycle.Event
	check(t, json.Unmarshal(out.Bytes()[bytes.IndexByte(out.Bytes(), '\n'):], &got))
	if got.Message != hostile+"<&>\n\t世界" {
		t.Errorf("the message is %q", got.Message)
	}
}
