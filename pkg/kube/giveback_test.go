package kube_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
)

// lent is an object as its owner has made it, and as the release that adopts it applies it.
type lent struct{ theirs, ours string }

const ourMarks = `labels: {app.kubernetes.io/managed-by: sherpack}, annotations: {sherpack.io/release-name: app}`

func lents() map[string]lent {
	return map[string]lent{
		"a ConfigMap": {
			theirs: `{apiVersion: v1, kind: ConfigMap, metadata: {name: c, labels: {team: a}, annotations: {note: theirs}}, data: {both: "1", same: "1", theirs: "1"}}`,
			ours:   `{apiVersion: v1, kind: ConfigMap, metadata: {name: c, ` + ourMarks + `}, data: {both: "2", same: "1", ours: "2"}}`,
		},
		"a Secret written as stringData": {
			theirs: `{apiVersion: v1, kind: Secret, metadata: {name: c}, stringData: {both: one, theirs: one}}`,
			ours:   `{apiVersion: v1, kind: Secret, metadata: {name: c, ` + ourMarks + `}, data: {both: dHdv, ours: dHdv}}`,
		},
		"a Service": {
			theirs: `{apiVersion: v1, kind: Service, metadata: {name: c}, spec: {selector: {app: a}, ports: [{name: web, port: 80, targetPort: 8080}, {name: admin, port: 81}]}}`,
			ours:   `{apiVersion: v1, kind: Service, metadata: {name: c, ` + ourMarks + `}, spec: {selector: {app: b}, sessionAffinity: ClientIP, ports: [{name: web, port: 80, targetPort: 9090}, {name: more, port: 82}]}}`,
		},
		"a Deployment": {
			theirs: `{apiVersion: apps/v1, kind: Deployment, metadata: {name: c}, spec: {replicas: 0, selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}}, spec: {containers: [{name: main, image: a, args: [x], env: [{name: A, value: "1"}, {name: B, value: "1"}]}, {name: side, image: side}]}}}}`,
			ours:   `{apiVersion: apps/v1, kind: Deployment, metadata: {name: c, ` + ourMarks + `}, spec: {replicas: 0, strategy: {rollingUpdate: {maxSurge: 2}}, selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}}, spec: {containers: [{name: main, image: b, env: [{name: A, value: "2"}, {name: C, value: "2"}]}, {name: new, image: new}]}}}}`,
		},
	}
}

// owners are who may have made an object: another release, and those of makers.
func owners(b *bench) map[string]func(*unstructured.Unstructured) {
	made := makers(b)
	made["another release"] = func(object *unstructured.Unstructured) {
		object = object.DeepCopy()
		object.SetLabels(map[string]string{"app.kubernetes.io/managed-by": "sherpack"})
		object.SetAnnotations(map[string]string{"sherpack.io/release-name": "other"})
		_, err := b.client(object).Apply(b.Context(), object.GetName(), object, metav1.ApplyOptions{FieldManager: "sherpack"})
		b.must(err)
	}
	made["somebody with other fields of kubectl's"] = func(object *unstructured.Unstructured) {
		made["kubectl apply"](object)
		_, err := b.client(object).Patch(b.Context(), object.GetName(), types.MergePatchType,
			[]byte(`{"metadata":{"annotations":{"note":"somebody's"}}}`), metav1.PatchOptions{FieldManager: "somebody"})
		b.must(err)
	}
	return made
}

// ends are where an adoption, or its end, may have been cut short.
func ends(b *bench) map[string]func(context.Context, kube.Return, *unstructured.Unstructured) {
	ref := func(r kube.Return) []corev1.ObjectReference { return []corev1.ObjectReference{r.Ref} }
	adopt := func(ctx context.Context, r kube.Return, object *unstructured.Unstructured) {
		b.must(b.TakeOver(ctx, ref(r)))
		applied := b.applyOne(object, kube.ApplyOptions{ForceConflicts: true})
		b.must(applied.Err)
	}
	return map[string]func(context.Context, kube.Return, *unstructured.Unstructured){
		"before it": func(context.Context, kube.Return, *unstructured.Unstructured) {},
		"taken over": func(ctx context.Context, r kube.Return, _ *unstructured.Unstructured) {
			b.must(b.TakeOver(ctx, ref(r)))
		},
		"after it": adopt,
		"all given back": func(ctx context.Context, r kube.Return, object *unstructured.Unstructured) {
			adopt(ctx, r, object)
			b.giveBack(r)
		},
		"content given back": func(ctx context.Context, r kube.Return, object *unstructured.Unstructured) {
			adopt(ctx, r, object)
			b.requests.refuse = func(request *http.Request) bool {
				return strings.Contains(request.Header.Get("Content-Type"), "merge-patch")
			}
			if err := b.GiveBack(ctx, []kube.Return{r}, func(int, error) {}); !errors.Is(err, errCut) {
				b.Fatalf("it ended with %v", err)
			}
			b.requests.refuse = nil
		},
	}
}

func (b *bench) giveBack(r kube.Return) {
	b.Helper()
	b.must(b.GiveBack(b.Context(), []kube.Return{r}, func(int, error) {}))
}

// borrow notes what an object is before it is adopted.
func (b *bench) borrow(object *unstructured.Unstructured) kube.Return {
	b.Helper()
	ref := b.ref(object.GetAPIVersion(), object.GetKind(), object.GetName())
	before, err := b.Snapshot(b.Context(), []corev1.ObjectReference{ref})
	b.must(err)
	return kube.Return{
		Ref: ref, Before: before[0], Owner: "ns/app", Marks: []string{"app.kubernetes.io/managed-by", "sherpack.io/release-name"},
		Marked: func(found metav1.Object) bool { return found.GetAnnotations()["sherpack.io/release-name"] == "app" },
	}
}

// adopted adopts an object that kubectl has applied.
func (b *bench) adopted(theirs, ours string) (*unstructured.Unstructured, kube.Return) {
	b.Helper()
	object := b.object(theirs)
	makers(b)["kubectl apply"](object)
	r := b.borrow(object)
	ends(b)["after it"](b.Context(), r, b.object(ours))
	return object, r
}

// asItWas is what is compared of an object: all but its version, its status, and what its controller notes on it.
func asItWas(object *unstructured.Unstructured) map[string]any {
	object = object.DeepCopy()
	unstructured.RemoveNestedField(object.Object, "status")
	unstructured.RemoveNestedField(object.Object, "metadata", "resourceVersion")
	unstructured.RemoveNestedField(object.Object, "metadata", "generation")
	unstructured.RemoveNestedField(object.Object, "metadata", "annotations", "deployment.kubernetes.io/revision")
	if len(object.GetAnnotations()) == 0 {
		object.SetAnnotations(nil)
	}
	var managers []metav1.ManagedFieldsEntry
	for _, entry := range object.GetManagedFields() {
		if entry.Manager != "kube-controller-manager" {
			managers = append(managers, entry)
		}
	}
	object.SetManagedFields(managers)
	return object.Object
}

func TestGiveBack(t *testing.T) {
	t.Parallel()
	t.Run("what is given back is as it was", whatIsGivenBackIsAsItWas)
	t.Run("what others have changed since is not given back", whatOthersHaveChangedSinceIsNotGivenBack)
	t.Run("what others change meanwhile is not given back", whatOthersChangeMeanwhileIsNotGivenBack)
	t.Run("what another release has adopted since is not given back", whatAnotherReleaseHasAdoptedSinceIsNotGivenBack)
	t.Run("what cannot be as it was loses the marks", whatCannotBeAsItWasLosesTheMarks)
	t.Run("what is not known is given back as it is", whatIsNotKnownIsGivenBackAsItIs)
}

func whatIsGivenBackIsAsItWas(t *testing.T) {
	t.Parallel()
	for kind, texts := range lents() {
		for owner := range owners(nil) {
			t.Run(kind+" of "+owner, func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				for end, cutShort := range ends(b) {
					if kind != "a ConfigMap" && end != "after it" && end != "taken over" {
						// What it is cut short by is the same for all.
						continue
					}
					object := b.object(texts.theirs)
					owners(b)[owner](object)
					r := b.borrow(object)
					cutShort(t.Context(), r, b.object(texts.ours))
					b.giveBack(r)
					live := b.live(object)
					if diff := cmp.Diff(asItWas(r.Before), asItWas(live)); diff != "" {
						t.Errorf("%s (-was +is):\n%s", end, diff)
					}
					b.giveBack(r)
					if again := b.live(object); end != "before it" && len(cmp.Diff(asItWas(live), asItWas(again))) > 0 {
						t.Errorf("%s: the second time changes it", end)
					}
					b.must(b.client(object).Delete(t.Context(), object.GetName(), metav1.DeleteOptions{}))
				}
			})
		}
	}
}

// What others have changed since the adoption is theirs.
func whatOthersHaveChangedSinceIsNotGivenBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	texts := lents()["a ConfigMap"]
	object, r := b.adopted(texts.theirs, texts.ours)
	_, err := b.client(object).Patch(t.Context(), "c", types.MergePatchType, []byte(`{"data":{"both":"3","new":"3"}}`), metav1.PatchOptions{FieldManager: "robot"})
	b.must(err)
	b.giveBack(r)
	live := b.live(object)
	if diff := cmp.Diff(map[string]any{"both": "3", "new": "3", "same": "1", "theirs": "1"}, live.Object["data"]); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
	fields := map[string]string{}
	for _, entry := range live.GetManagedFields() {
		fields[entry.Manager] = entry.FieldsV1.GetRawString()
	}
	if len(fields) != 2 || fields["robot"] != `{"f:data":{"f:both":{},"f:new":{}}}` || strings.Contains(fields["kubectl-client-side-apply"], "f:both") {
		t.Errorf("the managers are %v", fields)
	}
}

// Between the look at an object and the write that gives it back, too.
func whatOthersChangeMeanwhileIsNotGivenBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	texts := lents()["a ConfigMap"]
	object, r := b.adopted(texts.theirs, texts.ours)
	between := func() {
		_, err := b.client(object).Patch(t.Context(), "c", types.MergePatchType, []byte(`{"data":{"both":"3"}}`), metav1.PatchOptions{FieldManager: "robot"})
		if err != nil {
			t.Error(err)
		}
	}
	var once sync.Once
	b.requests.refuse = func(request *http.Request) bool {
		if request.Header.Get("Content-Type") == string(types.ApplyPatchType) {
			once.Do(between)
		}
		return false
	}
	b.giveBack(r)
	if diff := cmp.Diff(map[string]any{"both": "3", "same": "1", "theirs": "1"}, b.live(object).Object["data"]); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
}

// What another release has adopted since is that one's.
func whatAnotherReleaseHasAdoptedSinceIsNotGivenBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	texts := lents()["a ConfigMap"]
	object, r := b.adopted(texts.theirs, texts.ours)
	b.apply(b.object(strings.ReplaceAll(texts.ours, "release-name: app", "release-name: other")))
	was := b.live(object)
	b.giveBack(r)
	if diff := cmp.Diff(was.Object, b.live(object).Object); diff != "" {
		t.Errorf("it was changed (-was +is):\n%s", diff)
	}
}

// What the server does not let go back belongs to its owner all the same, or no command would ever get past it.
func whatCannotBeAsItWasLosesTheMarks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	texts := lents()["a ConfigMap"]
	object, r := b.adopted(texts.theirs, strings.Replace(texts.ours, "{", "{immutable: true, ", 1))
	for range 2 {
		var said error
		b.must(b.GiveBack(t.Context(), []kube.Return{r}, func(_ int, err error) { said = errors.Join(said, err) }))
		live := b.live(object)
		if r.Marked(live) || live.GetLabels()["app.kubernetes.io/managed-by"] != "" {
			t.Errorf("it has marks: %v %v", live.GetLabels(), live.GetAnnotations())
		}
		if diff := cmp.Diff(map[string]any{"both": "2", "same": "1", "ours": "2"}, live.Object["data"]); diff != "" {
			t.Errorf("data (-want +got):\n%s", diff)
		}
		if !errors.Is(said, kube.ErrContentStays) || !strings.Contains(said.Error(), "/c: its content stays as it is") || !strings.Contains(said.Error(), "immutable") {
			t.Errorf("it was said: %v", said)
		}
	}
}

// An object of which there is no record loses the marks and nothing else, and one that is not the one that was adopted loses
// nothing.
func whatIsNotKnownIsGivenBackAsItIs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	texts := lents()["a ConfigMap"]
	makers(b)["kubectl apply"](b.object(texts.theirs))
	r := b.borrow(b.object(texts.theirs))
	object := b.object(texts.ours)
	ends(b)["after it"](t.Context(), r, object)
	unknown := r
	unknown.Before = nil
	b.giveBack(unknown)
	live := b.live(object)
	if diff := cmp.Diff(map[string]any{"both": "2", "same": "1", "ours": "2"}, live.Object["data"]); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
	if r.Marked(live) || len(live.GetLabels()) > 0 {
		t.Errorf("it has marks: %v %v", live.GetLabels(), live.GetAnnotations())
	}
	b.must(b.client(object).Delete(t.Context(), "c", metav1.DeleteOptions{}))
	b.giveBack(r)
	b.apply(object)
	b.giveBack(r)
	if diff := cmp.Diff(object.Object["data"], b.live(object).Object["data"]); diff != "" {
		t.Errorf("another object was changed (-want +got):\n%s", diff)
	}
}
