package kube_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
)

const (
	helmsConfigMap = `{apiVersion: v1, kind: ConfigMap, metadata: {name: c, labels: {app.kubernetes.io/managed-by: Helm}, annotations: {meta.helm.sh/release-name: app, note: theirs}}, data: {one: "1", two: "2"}}`
	oursWithoutTwo = `{apiVersion: v1, kind: ConfigMap, metadata: {name: c, labels: {app.kubernetes.io/managed-by: sherpack}, annotations: {sherpack.io/release-name: app}}, data: {one: "1"}}`
)

// fromHelm is how objects are taken over.
func fromHelm() kube.Managers {
	return kube.Managers{To: "sherpack", Sign: "meta.helm.sh/release-name", From: "helm"}
}

// takes are the changes of marks of a ConfigMap that is taken over.
func takes(b *bench, name string) kube.Handover {
	return kube.Handover{
		Ref: b.ref("v1", "ConfigMap", name), Labels: map[string]*string{"app.kubernetes.io/managed-by": ptr.To("sherpack")},
		Annotations: map[string]*string{"sherpack.io/release-name": ptr.To("app"), "meta.helm.sh/release-name": nil},
	}
}

func TestHandOver(t *testing.T) {
	t.Parallel()
	t.Run("the fields of the tool that has applied an object become ours", fieldsOfTheToolBecomeOurs)
	t.Run("fields of all others stay theirs", fieldsOfAllOthersStayTheirs)
	t.Run("the fields of the tool become ours where somebody else has set its sign", fieldsUnderAForeignSignBecomeOurs)
	t.Run("what has no sign follows the others", whatHasNoSignFollowsTheOthers)
	t.Run("it may be cut short and called again", handOverMayBeCutShort)
	t.Run("it is repeated where its answer is lost", handOverIsRepeated)
	t.Run("it ends where a policy sets a mark itself", handOverEndsAgainstAPolicy)
	t.Run("it pauses between conflicts", handOverPausesBetweenConflicts)
	t.Run("what is gone or replaced is told", goneOrReplacedIsTold)
	t.Run("a dry-run changes nothing, and tells each refusal", tryHandOverChangesNothing)
	t.Run("there and back it is as it was", thereAndBackItIsAsItWas)
}

// create makes an object as a tool of a name does: as Helm 3, or by server-side apply.
func (b *bench) createAs(manager string, applies bool, text string) *unstructured.Unstructured {
	b.Helper()
	object := b.object(text)
	var err error
	if applies {
		_, err = b.client(object).Apply(b.Context(), object.GetName(), object, metav1.ApplyOptions{FieldManager: manager})
	} else {
		_, err = b.client(object).Create(b.Context(), object, metav1.CreateOptions{FieldManager: manager})
	}
	b.must(err)
	return object
}

// managersOf are the managers of an object's fields.
func (b *bench) managersOf(object *unstructured.Unstructured) []string {
	b.Helper()
	var found []string
	for _, entry := range b.live(object).GetManagedFields() {
		found = append(found, entry.Manager+" "+string(entry.Operation))
	}
	slices.Sort(found)
	return found
}

func fieldsOfTheToolBecomeOurs(t *testing.T) {
	t.Parallel()
	for _, manager := range []string{"helm", "helm-controller", "terraform-provider-helm"} {
		for title, applies := range map[string]bool{"applied": true, "created": false} {
			t.Run(manager+" "+title, func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				object := b.createAs(manager, applies, helmsConfigMap)
				for range 2 {
					b.must(b.HandOver(t.Context(), []kube.Handover{takes(b, "c")}, fromHelm(), nil))
				}
				if diff := cmp.Diff([]string{"sherpack Apply"}, b.managersOf(object)); diff != "" {
					t.Error(diff)
				}
				b.apply(b.object(oursWithoutTwo))
				live := b.live(object)
				if diff := cmp.Diff(map[string]any{"one": "1"}, live.Object["data"]); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(map[string]string{"sherpack.io/release-name": "app"}, live.GetAnnotations()); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// Somebody has annotated an object for Helm, and somebody else scales it: these go on doing so.
func fieldsOfAllOthersStayTheirs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	object := b.createAs("kubectl-create", false, `{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {mine: "1"}}`)
	_, err := b.client(object).Patch(t.Context(), "c", types.MergePatchType, []byte(`{"metadata":{"annotations":{"meta.helm.sh/release-name":"app","note":"x"}}}`), metav1.PatchOptions{FieldManager: "kubectl-annotate"})
	b.must(err)
	b.createAs("helm", true, `{apiVersion: v1, kind: ConfigMap, metadata: {name: c, annotations: {meta.helm.sh/release-name: app}}, data: {one: "1"}}`)
	b.must(b.HandOver(t.Context(), []kube.Handover{takes(b, "c")}, fromHelm(), nil))
	if diff := cmp.Diff([]string{"kubectl-annotate Update", "kubectl-create Update", "sherpack Apply"}, b.managersOf(object)); diff != "" {
		t.Error(diff)
	}
	if live := b.live(object); live.GetAnnotations()["note"] != "x" || live.GetAnnotations()["meta.helm.sh/release-name"] != "" {
		t.Errorf("the annotations are %v", live.GetAnnotations())
	}
}

// What was annotated so that a release of Helm's could import it, and upgraded by Helm 3 since, has the annotation of one manager and
// the fields of another.
func fieldsUnderAForeignSignBecomeOurs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	object := b.createAs("kubectl-create", false, `{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {mine: "1"}}`)
	patch := func(manager, text string, object *unstructured.Unstructured) {
		_, err := b.client(object).Patch(t.Context(), object.GetName(), types.MergePatchType, []byte(text), metav1.PatchOptions{FieldManager: manager})
		b.must(err)
	}
	patch("kubectl-annotate", `{"metadata":{"annotations":{"meta.helm.sh/release-name":"app","note":"x"}}}`, object)
	patch("kubectl-label", `{"metadata":{"labels":{"app.kubernetes.io/managed-by":"Helm"}}}`, object)
	patch("helm", `{"data":{"one":"1","two":"2"}}`, object)
	b.createAs("helm", false, strings.Replace(helmsConfigMap, "name: c", "name: other", 1))
	hook := b.createAs("helm", false, `{apiVersion: v1, kind: ConfigMap, metadata: {name: hook}, data: {one: "1"}}`)
	patch("kubectl-annotate", `{"metadata":{"annotations":{"note":"x"}}}`, hook)
	b.must(b.HandOver(t.Context(), []kube.Handover{takes(b, "c"), takes(b, "other"), takes(b, "hook")}, fromHelm(), nil))
	if diff := cmp.Diff([]string{"kubectl-annotate Update", "kubectl-create Update", "kubectl-label Update", "sherpack Apply"}, b.managersOf(object)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"kubectl-annotate Update", "sherpack Apply"}, b.managersOf(hook)); diff != "" {
		t.Error(diff)
	}
	b.apply(b.object(oursWithoutTwo))
	live := b.live(object)
	if diff := cmp.Diff(map[string]any{"mine": "1", "one": "1"}, live.Object["data"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"sherpack.io/release-name": "app", "note": "x"}, live.GetAnnotations()); diff != "" {
		t.Error(diff)
	}
}

// Helm marks no hooks, nor what a chart has in crds/.
func whatHasNoSignFollowsTheOthers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.createAs("flux", true, helmsConfigMap)
	unsigned := b.createAs("flux", true, `{apiVersion: v1, kind: ConfigMap, metadata: {name: hook}, data: {one: "1"}}`)
	// The signed one cannot be written: it comes last, so that the tool is known when this is called again.
	b.requests.refuse = func(request *http.Request) bool {
		return request.Method == http.MethodPatch && strings.HasSuffix(request.URL.Path, "/hook")
	}
	both := []kube.Handover{takes(b, "c"), takes(b, "hook")}
	if err := b.HandOver(b.timeout(3*time.Second), both, fromHelm(), nil); err == nil {
		t.Error("it was not refused")
	}
	b.requests.refuse = nil
	b.must(b.HandOver(t.Context(), both, fromHelm(), nil))
	if diff := cmp.Diff([]string{"sherpack Apply"}, b.managersOf(unsigned)); diff != "" {
		t.Error(diff)
	}
}

func handOverMayBeCutShort(t *testing.T) {
	t.Parallel()
	for _, at := range []int{1, 2} {
		b := newBench(t)
		object := b.createAs("flux", true, helmsConfigMap)
		patches := 0
		b.requests.refuse = func(request *http.Request) bool {
			if request.Method == http.MethodPatch {
				patches++
			}
			return request.Method == http.MethodPatch && patches >= at
		}
		if err := b.HandOver(b.timeout(3*time.Second), []kube.Handover{takes(b, "c")}, fromHelm(), nil); err == nil {
			t.Fatal("it was not cut short")
		}
		b.requests.refuse = nil
		b.must(b.HandOver(t.Context(), []kube.Handover{takes(b, "c")}, fromHelm(), nil))
		if diff := cmp.Diff([]string{"sherpack Apply"}, b.managersOf(object)); diff != "" {
			t.Errorf("cut at %d: %s", at, diff)
		}
	}
}

func handOverIsRepeated(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	object := b.createAs("helm", true, helmsConfigMap)
	b.requests.lose = "PATCH configmaps/*"
	b.must(b.HandOver(t.Context(), []kube.Handover{takes(b, "c")}, fromHelm(), nil))
	if b.requests.lose != "" {
		t.Error("no answer was lost")
	}
	if diff := cmp.Diff([]string{"sherpack Apply"}, b.managersOf(object)); diff != "" {
		t.Error(diff)
	}
}

// createGlobal makes an object that is in no namespace, until the test ends.
func (b *bench) createGlobal(text string) {
	b.Helper()
	object := b.object(text)
	object.SetNamespace("")
	_, err := b.client(object).Create(b.Context(), object, metav1.CreateOptions{})
	b.must(err)
	b.Cleanup(func() {
		b.must(b.client(object).Delete(context.WithoutCancel(b.Context()), object.GetName(), metav1.DeleteOptions{}))
	})
}

// platformPolicy sets the label that says who manages an object, whatever that says itself.
const platformPolicy = `apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: NAME}
spec:
  reinvocationPolicy: Never
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAME}}
    resourceRules: [{apiGroups: [""], apiVersions: ["*"], operations: [CREATE, UPDATE], resources: [configmaps]}]
  mutations:
    - patchType: ApplyConfiguration
      applyConfiguration: {expression: 'Object{metadata: Object.metadata{labels: {"app.kubernetes.io/managed-by": "platform"}}}'}
`

func handOverEndsAgainstAPolicy(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	object := b.createAs("helm", true, helmsConfigMap)
	for _, text := range []string{platformPolicy, "{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingAdmissionPolicyBinding, metadata: {name: NAME}, spec: {policyName: NAME}}"} {
		b.createGlobal(strings.ReplaceAll(text, "NAME", b.namespace))
	}
	probe := b.object(`{apiVersion: v1, kind: ConfigMap, metadata: {name: probe}}`)
	// The policy holds when the API server has seen it.
	b.eventually(func() bool {
		made, err := b.client(probe).Create(t.Context(), probe, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		b.must(err)
		return made.GetLabels()["app.kubernetes.io/managed-by"] != ""
	})
	for range 2 {
		b.must(b.HandOver(b.timeout(5*time.Second), []kube.Handover{takes(b, "c")}, fromHelm(), nil))
	}
	if diff := cmp.Diff([]string{"sherpack Apply"}, b.managersOf(object)); diff != "" {
		t.Error(diff)
	}
	if live := b.live(object); live.GetLabels()["app.kubernetes.io/managed-by"] != "platform" || live.GetAnnotations()["meta.helm.sh/release-name"] != "" {
		t.Errorf("it is %v", live)
	}
}

func handOverPausesBetweenConflicts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	object := b.createAs("helm", true, helmsConfigMap)
	var answered atomic.Int32
	b.requests.conflict = func(request *http.Request) bool { return request.Method == http.MethodPatch && answered.Add(1) <= 5 }
	begun := time.Now()
	b.must(b.HandOver(t.Context(), []kube.Handover{takes(b, "c")}, fromHelm(), nil))
	if diff := cmp.Diff([]string{"sherpack Apply"}, b.managersOf(object)); diff != "" {
		t.Error(diff)
	}
	if took := time.Since(begun); took < 300*time.Millisecond {
		t.Errorf("five conflicts took %s", took)
	}
	b.requests.conflict = func(request *http.Request) bool { return request.Method == http.MethodPatch }
	err := b.TryHandOver(t.Context(), []kube.Handover{{Ref: b.ref("v1", "ConfigMap", "c"), Labels: map[string]*string{"a": ptr.To("b")}}}, fromHelm(), nil)
	if !apierrors.IsConflict(err) {
		t.Errorf("a dry-run that is always a conflict: %v", err)
	}
}

func goneOrReplacedIsTold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	object := b.createAs("helm", true, helmsConfigMap)
	replaced := takes(b, "c")
	replaced.Ref.UID = "another"
	told := make([]error, 2)
	b.must(b.HandOver(t.Context(), []kube.Handover{replaced, takes(b, "none")}, fromHelm(), func(i int, err error) { told[i] = err }))
	if !errors.Is(told[0], refusal.ErrReplaced) || !errors.Is(told[1], refusal.ErrGone) {
		t.Errorf("told: %v", told)
	}
	if diff := cmp.Diff([]string{"helm Apply"}, b.managersOf(object)); diff != "" {
		t.Error(diff)
	}
}

func tryHandOverChangesNothing(t *testing.T) {
	t.Parallel()
	b := newLimitedBench(t, may("get", "configmaps secrets", ""), may("patch", "configmaps", ""))
	object := b.createAs("helm", true, helmsConfigMap)
	b.createAs("helm", true, `{apiVersion: v1, kind: Secret, metadata: {name: c, annotations: {meta.helm.sh/release-name: app}}}`)
	before := b.live(object)
	secret := takes(b, "c")
	secret.Ref = corev1.ObjectReference{APIVersion: "v1", Kind: "Secret", Namespace: b.namespace, Name: "c"}
	told := make([]error, 2)
	err := b.TryHandOver(t.Context(), []kube.Handover{takes(b, "c"), secret}, fromHelm(), func(i int, err error) { told[i] = err })
	if told[0] != nil || told[1] == nil || !refusal.LacksRight(errors.Unwrap(told[1])) || err == nil {
		t.Errorf("told: %v; %v", told, err)
	}
	if diff := cmp.Diff(before, b.live(object)); diff != "" {
		t.Error(diff)
	}
}

func thereAndBackItIsAsItWas(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	object := b.createAs("helm", true, helmsConfigMap)
	before := b.live(object)
	b.must(b.HandOver(t.Context(), []kube.Handover{takes(b, "c")}, fromHelm(), nil))
	back := kube.Handover{
		Ref: b.ref("v1", "ConfigMap", "c"), Labels: map[string]*string{"app.kubernetes.io/managed-by": ptr.To("Helm")},
		Annotations: map[string]*string{"sherpack.io/release-name": nil, "meta.helm.sh/release-name": ptr.To("app")},
	}
	b.must(b.HandOver(t.Context(), []kube.Handover{back}, kube.Managers{To: "helm", From: "sherpack"}, nil))
	after := b.live(object)
	for _, found := range []*unstructured.Unstructured{before, after} {
		found.SetResourceVersion("")
		managers := found.GetManagedFields()
		for i := range managers {
			managers[i].Time = nil
		}
		found.SetManagedFields(managers)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
}
