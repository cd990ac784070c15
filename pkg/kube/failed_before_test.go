package kube_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
)

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

func TestAFailureFromBeforeTheApplyIsSaidToBeThat(t *testing.T) {
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

func TestAFailureOfAnEarlierGenerationDoesNotCount(t *testing.T) {
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
