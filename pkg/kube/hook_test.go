package kube_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
)

func setField(object *unstructured.Unstructured, value any, path ...string) error {
	return unstructured.SetNestedField(object.Object, value, path...)
}

// pod is a Pod hook.
func (b *bench) pod(annotations string) kube.HookRun {
	b.Helper()
	return b.hook(`
apiVersion: v1
kind: Pod
metadata: {name: check, labels: {hook-of: r}, annotations: {` + annotations + `}}
spec: {restartPolicy: Never, terminationGracePeriodSeconds: 1, containers: [{name: main, image: busybox}]}
`)
}

func TestRunHook(t *testing.T) {
	t.Parallel()
	t.Run("a Pod is followed to its end", aPodIsFollowedToItsEnd)
	t.Run("a hook of another kind is done once it is applied", aHookOfAnotherKindIsDoneOnceItIsApplied)
	t.Run("a hook that cannot be applied is an error", aHookThatCannotBeAppliedIsAnError)
	t.Run("ready-when and failed-when end it", readyWhenAndFailedWhenEndIt)
	t.Run("a condition that cannot be read is an error", aConditionThatCannotBeReadIsAnError)
	t.Run("a state from before the apply does not count", aStateFromBeforeTheApplyDoesNotCount)
	t.Run("a state that passes quickly counts", aStateThatPassesQuicklyCounts)
	t.Run("a failure from before the apply is said to be that", aFailureFromBeforeTheApplyIsSaidToBeThat)
	t.Run("a failure of an earlier generation does not count", aFailureOfAnEarlierGenerationDoesNotCount)
}

func aPodIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.check(kube.HookOutcome{Succeeded: true, Attempts: 1}, b.run(b.pod("")))
	if diff := cmp.Diff([]string{"GET pods/*/log", "PATCH pods/*", "WATCH pods"}, b.requests.take()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	failing := b.pod(`sim.sherpack.io/exit-code: "3", sim.sherpack.io/log: oops`)
	failing.Object.SetName("fails")
	b.check(kube.HookOutcome{
		Reason: "Error", Container: "main", ExitCode: new(int32(3)), Attempts: 1, LogTail: "oops", Message: `container "main" exited with code 3`,
	}, b.run(failing))
}

func aHookOfAnotherKindIsDoneOnceItIsApplied(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, created := range []bool{true, false} {
		outcome := b.run(b.hook(configMap))
		b.check(kube.HookOutcome{Succeeded: true}, outcome)
		if outcome.Applied.Created != created {
			t.Errorf("created %v", outcome.Applied.Created)
		}
	}
	if diff := cmp.Diff([]string{"PATCH configmaps/*", "PATCH configmaps/*"}, b.requests.take()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func aHookThatCannotBeAppliedIsAnError(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hook := b.job("", "")
	b.must(setField(hook.Object, "x", "spec", "paralellism"))
	outcome, err := b.RunHook(t.Context(), hook, nil)
	var invalid *refusal.InvalidFieldsError
	if !errors.As(err, &invalid) || outcome.Succeeded || outcome.Applied.Err == nil {
		t.Errorf("%+v, %v", outcome, err)
	}
}

func (b *bench) conditions(text string) health.Conditions {
	b.Helper()
	conditions, err := health.ParseConditions(text)
	b.must(err)
	return conditions
}

func readyWhenAndFailedWhenEndIt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ready, failed string
		// then is what the object is made to be; "" deletes it.
		then, reason, message string
	}{
		"ready":                {ready: "jsonpath={.data.state}=done", then: "data: {state: done}"},
		"all must hold":        {ready: "jsonpath={.data.a}=1;jsonpath={.data.b}=2", then: `data: {a: "1", b: "2"}`},
		"failed":               {failed: "jsonpath={.data.state}=broken", then: "data: {state: broken}", reason: "FailedWhen", message: "jsonpath={.data.state}=broken is met"},
		"failed before ready":  {ready: "create", failed: "create", then: "nothing", reason: "FailedWhen", message: "create is met"},
		"deletion is expected": {ready: "delete", then: ""},
		"deletion is not":      {ready: "jsonpath={.data.state}=done", then: "", reason: "Deleted", message: "it was deleted before it finished"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			hook := b.hook("{apiVersion: v1, kind: ConfigMap, metadata: {name: gate, labels: {hook-of: r}}}")
			if test.ready != "" {
				hook.Ready = b.conditions(test.ready)
			}
			if test.failed != "" {
				hook.Failed = b.conditions(test.failed)
			}
			var changing sync.WaitGroup
			if test.then != "nothing" {
				changing.Go(func() { b.change(hook.Object, test.then) })
			}
			defer changing.Wait()
			outcome, err := b.RunHook(b.timeout(time.Minute), hook, nil)
			b.must(err)
			want := kube.HookOutcome{Succeeded: test.reason == "", Reason: test.reason, Message: test.message}
			b.check(want, outcome)
		})
	}
}

// change gives an object that is about to be applied another content, or
// deletes it.
func (b *bench) change(object *unstructured.Unstructured, to string) {
	b.eventually(func() bool { return !b.absent(b.ref("v1", "ConfigMap", object.GetName())) })
	if to == "" {
		if err := b.Delete(b.Context(), []kube.Deletion{{Ref: b.ref("v1", "ConfigMap", object.GetName())}}, nil); err != nil {
			b.Error(err)
		}
		return
	}
	changed := object.DeepCopy()
	if err := yaml.Unmarshal([]byte(to), &changed.Object); err != nil {
		b.Error(err)
	}
	if err := b.Apply(b.Context(), []*unstructured.Unstructured{changed}, kube.ApplyOptions{}, nil); err != nil {
		b.Error(err)
	}
}

func aConditionThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hook := b.hook("{apiVersion: v1, kind: ConfigMap, metadata: {name: gate, labels: {hook-of: r}}, data: {a: x}}")
	hook.Ready = b.conditions("jsonpath={.data}=x")
	outcome, err := b.RunHook(b.timeout(time.Minute), hook, nil)
	want := fmt.Sprintf("following ConfigMap/%s/gate: ready-when jsonpath={.data}=x: jsonpath leads to a nested object or list which is not supported", b.namespace)
	if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" || outcome.Succeeded {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

func aStateFromBeforeTheApplyDoesNotCount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hook := b.hook("{apiVersion: v1, kind: ConfigMap, metadata: {name: gate, labels: {hook-of: r}}, data: {state: done}}")
	hook.Ready = b.conditions("jsonpath={.data.state}=done")
	b.run(hook)
	hook.Object = hook.Object.DeepCopy()
	b.must(setField(hook.Object, "new", "data", "state"))
	if outcome, err := b.RunHook(b.timeout(time.Second), hook, nil); err == nil {
		t.Errorf("the old state counts: %+v", outcome)
	}
}

func aStateThatPassesQuicklyCounts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hook := b.hook("{apiVersion: v1, kind: ConfigMap, metadata: {name: gate, labels: {hook-of: r}}}")
	hook.Ready = b.conditions("jsonpath={.data.state}=7")
	var changing sync.WaitGroup
	defer changing.Wait()
	changing.Go(func() {
		for state := range 20 {
			b.change(hook.Object, fmt.Sprintf("data: {state: %q}", fmt.Sprint(state)))
		}
	})
	outcome, err := b.RunHook(b.timeout(time.Minute), hook, nil)
	b.must(err)
	b.check(kube.HookOutcome{Succeeded: true}, outcome)
}

// widget is a hook of a kind of the test's own.
func (b *bench) widget(size string) (kube.HookRun, func(status string)) {
	b.Helper()
	definition, kind := widgets(b)
	b.apply(definition)
	hook := b.hook("metadata: {name: w, labels: {hook-of: r}}\nspec: {size: " + size + "}")
	hook.Object.SetGroupVersionKind(kind)
	hook.PodSelector = ""
	hook.Ready, hook.Failed = b.conditions("condition=Ready"), b.conditions("condition=Failed")
	return hook, func(status string) {
		b.Helper()
		_, err := b.client(hook.Object).Patch(b.Context(), "w", types.MergePatchType, []byte(`{"status":`+status+`}`), metav1.PatchOptions{FieldManager: "controller"})
		b.must(err)
	}
}

// resized is the hook with another specification.
func resized(hook kube.HookRun, size int64) kube.HookRun {
	hook.Object = hook.Object.DeepCopy()
	_ = unstructured.SetNestedField(hook.Object.Object, size, "spec", "size")
	return hook
}

// failure is what a controller says that cannot do it; it may say of which generation.
func failure(generation string) string {
	return `{"conditions":[{"type":"Failed","status":"True","reason":"NoRoom","message":"no room"` + generation + `}]}`
}

func aFailureFromBeforeTheApplyIsSaidToBeThat(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hook, say := b.widget("1")
	b.apply(hook.Object)
	say(failure(""))
	for name, run := range map[string]kube.HookRun{"unchanged": hook, "changed": resized(hook, 2)} {
		outcome, err := b.RunHook(b.timeout(time.Minute), run, nil)
		b.must(err)
		if outcome.Succeeded || outcome.Reason != "FailedWhen" || !strings.Contains(outcome.Message, "condition=Failed is met: NoRoom: no room; it was already before") ||
			!strings.Contains(outcome.Message, "hook-delete-policy: before-hook-creation") {
			t.Errorf("%s: %+v", name, outcome)
		}
	}
}

func aFailureOfAnEarlierGenerationDoesNotCount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hook, say := b.widget("1")
	b.apply(hook.Object)
	say(failure(`,"observedGeneration":2`))
	// A failure of the present generation is one of this run.
	for _, end := range []string{`{"conditions":[{"type":"Ready","status":"True","observedGeneration":4}]}`, failure(`,"observedGeneration":99`)} {
		hook = resized(hook, int64(len(end)))
		said := make(chan struct{})
		go func() {
			defer close(said)
			b.eventually(func() bool {
				size, _, _ := unstructured.NestedInt64(b.live(hook.Object).Object, "spec", "size")
				return size == int64(len(end))
			})
			say(end)
		}()
		outcome, err := b.RunHook(b.timeout(time.Minute), hook, nil)
		b.must(err)
		<-said
		if failed := strings.Contains(end, "Failed"); outcome.Succeeded == failed || strings.Contains(outcome.Message, "before-hook-creation") {
			t.Errorf("after %s: %+v", end, outcome)
		}
	}
}

func TestWithLogMessages(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ in, want string }{
		"every container of a Job's without a policy": {
			in:   "{apiVersion: batch/v1, kind: Job, spec: {template: {spec: {initContainers: [{name: i}], containers: [{name: a}, {name: b, terminationMessagePolicy: File}]}}}}",
			want: "{apiVersion: batch/v1, kind: Job, spec: {template: {spec: {initContainers: [{name: i, terminationMessagePolicy: FallbackToLogsOnError}], containers: [{name: a, terminationMessagePolicy: FallbackToLogsOnError}, {name: b, terminationMessagePolicy: File}]}}}}",
		},
		"those of a Pod": {
			in:   "{apiVersion: v1, kind: Pod, spec: {containers: [{name: a}]}}",
			want: "{apiVersion: v1, kind: Pod, spec: {containers: [{name: a, terminationMessagePolicy: FallbackToLogsOnError}]}}",
		},
		"other kinds stay as they are": {
			in:   "{apiVersion: example/v1, kind: Job, spec: {template: {spec: {containers: [{name: a}]}}}}",
			want: "{apiVersion: example/v1, kind: Job, spec: {template: {spec: {containers: [{name: a}]}}}}",
		},
		"what is malformed, too": {in: "{apiVersion: v1, kind: Pod, spec: [7]}", want: "{apiVersion: v1, kind: Pod, spec: [7]}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, want := read(t, test.in), read(t, test.want)
			before := in.DeepCopy()
			if diff := cmp.Diff(want, kube.WithLogMessages(in)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, in); diff != "" {
				t.Errorf("the given object was changed:\n%s", diff)
			}
		})
	}
}

func read(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(strings.TrimSpace(text)), &object.Object); err != nil {
		t.Fatal(err)
	}
	return object
}
