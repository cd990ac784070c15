package kube_test

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

const (
	theirs = `{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {both: "1", theirs: "1"}}`
	ours   = `{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {both: "2", ours: "2"}}`
)

// makers make the object of theirs in the ways in which it may come about.
func makers(b *bench) map[string]func(*unstructured.Unstructured) {
	kubectl := func(args ...string) func(*unstructured.Unstructured) {
		return func(object *unstructured.Unstructured) {
			content, err := object.MarshalJSON()
			b.must(err)
			cmd := exec.CommandContext(b.Context(), clustertest.Kubectl(b), append(args, "--kubeconfig", clustertest.Kubeconfig(b), "-f", "-")...)
			cmd.Stdin = strings.NewReader(string(content))
			if out, err := cmd.CombinedOutput(); err != nil {
				b.Fatalf("%v: %s", err, out)
			}
		}
	}
	return map[string]func(*unstructured.Unstructured){
		"kubectl apply":               kubectl("apply"),
		"kubectl apply --server-side": kubectl("apply", "--server-side"),
		"kubectl create":              kubectl("create"),
		"Helm 3": func(object *unstructured.Unstructured) {
			_, err := b.client(object).Create(b.Context(), object, metav1.CreateOptions{FieldManager: "helm"})
			b.must(err)
		},
		"Helm 4": func(object *unstructured.Unstructured) {
			_, err := b.client(object).Apply(b.Context(), object.GetName(), object, metav1.ApplyOptions{FieldManager: "helm"})
			b.must(err)
		},
	}
}

func TestTakeOver(t *testing.T) {
	t.Parallel()
	t.Run("what kubectl or Helm manages is taken over", whatKubectlOrHelmManagesIsTakenOver)
	t.Run("all entries of a manager are taken over", allEntriesOfAManagerAreTakenOver)
	t.Run("it is repeated where its answer is lost", takeOverIsRepeatedWhereItsAnswerIsLost)
	t.Run("fields of other managers are not taken over", fieldsOfOtherManagersAreNotTakenOver)
	t.Run("what is claimed is no reason not to take over", whatIsClaimedIsNoReasonNotToTakeOver)
}

func whatKubectlOrHelmManagesIsTakenOver(t *testing.T) {
	t.Parallel()
	for name := range makers(nil) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			makers(b)[name](b.object(theirs))
			object := b.object(ours)
			if applied := b.applyOne(object, kube.ApplyOptions{}); !isConflict(applied.Err) {
				t.Fatalf("before: %v", applied.Err)
			}
			b.checkAll(map[string]checkCase{"without taking it over": {text: ours, want: "conflict"}})
			answers, err := b.DryRun(t.Context(), []kube.DryRun{{Object: object, Adopts: true}})
			b.must(err)
			if diff := cmp.Diff([]kube.DryRunResult{{}}, answers); diff != "" {
				t.Errorf("the check says (-want +got):\n%s", diff)
			}
			refs := []corev1.ObjectReference{b.ref("v1", "ConfigMap", "c"), b.ref("v1", "ConfigMap", "none")}
			b.must(b.TakeOver(t.Context(), refs))
			b.must(b.TakeOver(t.Context(), refs))
			b.apply(object)
			live := b.live(object)
			if diff := cmp.Diff(map[string]any{"both": "2", "ours": "2"}, live.Object["data"]); diff != "" {
				t.Errorf("data (-want +got):\n%s", diff)
			}
			if managers := live.GetManagedFields(); len(managers) != 1 || managers[0].Manager != "sherpack" {
				t.Errorf("managers %+v", managers)
			}
			if left := live.GetAnnotations()["kubectl.kubernetes.io/last-applied-configuration"]; left != "" {
				t.Errorf("what kubectl applied is still noted: %s", left)
			}
		})
	}
}

// Helm 3 has created an object, and Helm 4 has applied it, by another version of its kind; some of it is ours already.
func allEntriesOfAManagerAreTakenOver(t *testing.T) {
	t.Parallel()
	const (
		scaler = "{apiVersion: autoscaling/VERSION, kind: HorizontalPodAutoscaler, metadata: {name: c, annotations: {NOTE: x}}, spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}}"
		noted  = "{apiVersion: autoscaling/v1, kind: HorizontalPodAutoscaler, metadata: {name: c, annotations: {NOTE: x}}}"
	)
	b := newBench(t)
	b.createAs("helm", false, strings.NewReplacer("VERSION", "v1", "NOTE", "created").Replace(scaler))
	b.createAs("helm", true, strings.Replace(noted, "NOTE", "applied", 1))
	object := b.createAs("sherpack", true, strings.Replace(noted, "NOTE", "ours", 1))
	patch := []byte(`{"metadata":{"annotations":{"patched":"x"}}}`)
	later := b.object("{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: c}}")
	_, err := b.client(later).Patch(t.Context(), "c", types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "helm"})
	b.must(err)
	if diff := cmp.Diff([]string{"helm Apply", "helm Update", "helm Update", "sherpack Apply"}, b.managersOf(object)); diff != "" {
		t.Fatal(diff)
	}
	b.must(b.TakeOver(t.Context(), []corev1.ObjectReference{refTo(later)}))
	b.apply(b.object(strings.NewReplacer("VERSION", "v2", "NOTE", "new").Replace(scaler)))
	if diff := cmp.Diff(map[string]string{"new": "x"}, b.live(object).GetAnnotations()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"sherpack Apply"}, b.managersOf(object)); diff != "" {
		t.Error(diff)
	}
}

func takeOverIsRepeatedWhereItsAnswerIsLost(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, err := b.client(b.object(theirs)).Create(t.Context(), b.object(theirs), metav1.CreateOptions{FieldManager: "helm"})
	b.must(err)
	// What only reads is repeated by the client's transport.
	b.requests.lose = "PATCH configmaps/*"
	b.must(b.TakeOver(t.Context(), []corev1.ObjectReference{b.ref("v1", "ConfigMap", "c")}))
	if b.requests.lose != "" {
		t.Error("no answer was lost")
	}
	if managers := b.live(b.object(theirs)).GetManagedFields(); len(managers) != 1 || managers[0].Manager != "sherpack" {
		t.Errorf("managers %+v", managers)
	}
}

func fieldsOfOtherManagersAreNotTakenOver(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, err := b.client(b.object(theirs)).Create(t.Context(), b.object(theirs), metav1.CreateOptions{FieldManager: "somebody"})
	b.must(err)
	b.must(b.TakeOver(t.Context(), []corev1.ObjectReference{b.ref("v1", "ConfigMap", "c")}))
	if applied := b.applyOne(b.object(ours), kube.ApplyOptions{}); !isConflict(applied.Err) {
		t.Errorf("the error is %v", applied.Err)
	}
	answers, err := b.DryRun(t.Context(), []kube.DryRun{{Object: b.object(ours), Adopts: true}})
	b.must(err)
	if !isConflict(answers[0].Err) {
		t.Errorf("the check says %v", answers[0].Err)
	}
}

// What is to be ours in any case does not stand in the way of taking over.
func whatIsClaimedIsNoReasonNotToTakeOver(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	object := b.object(theirs)
	_, err := b.client(object).Create(t.Context(), object, metav1.CreateOptions{FieldManager: "helm"})
	b.must(err)
	labelled := b.object(`{apiVersion: v1, kind: ConfigMap, metadata: {name: c, labels: {mark: policy}}}`)
	_, err = b.client(labelled).Apply(t.Context(), "c", labelled, metav1.ApplyOptions{FieldManager: "policy"})
	b.must(err)
	object = b.object(ours)
	object.SetLabels(map[string]string{"mark": "ours"})
	claims := []string{".metadata.labels.mark"}
	answers, err := b.DryRun(t.Context(), []kube.DryRun{{Object: object, Adopts: true, Claims: claims}, {Object: object, Adopts: true}})
	b.must(err)
	if answers[0].Err != nil || !isConflict(answers[1].Err) {
		t.Errorf("the checks say %+v", answers)
	}
	b.must(b.TakeOver(t.Context(), []corev1.ObjectReference{b.ref("v1", "ConfigMap", "c")}))
	if applied := b.applyOne(object, kube.ApplyOptions{Claims: claims}); applied.Err != nil {
		t.Errorf("the error is %v", applied.Err)
	}
}

func isConflict(err error) bool {
	var conflict *refusal.ConflictError
	return errors.As(err, &conflict)
}

func TestOwnData(t *testing.T) {
	t.Parallel()
	t.Run("what was applied as stringData is removed", whatWasAppliedAsStringDataIsRemoved)
	t.Run("it is repeated where its answer is lost", owningDataIsRepeatedWhereItsAnswerIsLost)
	t.Run("what somebody else has set in a Secret is a conflict", whatSomebodyElseHasSetInASecretIsAConflict)
}

// A key that a Secret was applied with as stringData, by whomever this package applies for or takes over from, is removed by
// the first apply with data that does not name it. What somebody else has set stays.
func whatWasAppliedAsStringDataIsRemoved(t *testing.T) {
	t.Parallel()
	const (
		before = `{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {b: Yg==}, stringData: {a: one, old: revoked}}`
		after  = `{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: b25l, b: Yg==}}`
		others = `{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {c: Yw==}}`
	)
	for manager, takeOver := range map[string]bool{"sherpack": false, "helm": true} {
		t.Run(manager, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			for text, manager := range map[string]string{before: manager, others: "somebody"} {
				_, err := b.client(b.object(text)).Apply(t.Context(), "s", b.object(text), metav1.ApplyOptions{FieldManager: manager})
				b.must(err)
			}
			refs := []corev1.ObjectReference{b.ref("v1", "Secret", "s"), b.ref("v1", "Secret", "none")}
			if found, err := b.Find(t.Context(), refs); err != nil || len(found[0].ManagedFields) != 1 || found[0].ManagedFields[0].Manager != manager {
				t.Fatalf("found %+v, %v", found, err)
			}
			if takeOver {
				b.must(b.TakeOver(t.Context(), refs))
			}
			b.must(b.OwnData(t.Context(), refs))
			b.must(b.OwnData(t.Context(), refs))
			b.apply(b.object(after))
			if diff := cmp.Diff(map[string]any{"a": "b25l", "b": "Yg==", "c": "Yw=="}, b.live(b.object(after)).Object["data"]); diff != "" {
				t.Error(diff)
			}
			if found, err := b.Find(t.Context(), refs); err != nil || len(found[0].ManagedFields) > 0 {
				t.Errorf("found %+v, %v", found[0], err)
			}
		})
	}
}

func owningDataIsRepeatedWhereItsAnswerIsLost(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	old := b.object(`{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {a: one}}`)
	_, err := b.client(old).Apply(t.Context(), "s", old, metav1.ApplyOptions{FieldManager: "sherpack"})
	b.must(err)
	refs := []corev1.ObjectReference{b.ref("v1", "Secret", "s")}
	b.requests.lose = "PATCH secrets/*"
	b.must(b.OwnData(t.Context(), refs))
	if b.requests.lose != "" {
		t.Error("no answer was lost")
	}
	if found, err := b.Find(t.Context(), refs); err != nil || len(found[0].ManagedFields) > 0 {
		t.Errorf("found %+v, %v", found[0], err)
	}
}

// A value that somebody else has set is a conflict once it is applied as data.
func whatSomebodyElseHasSetInASecretIsAConflict(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	old := b.object(`{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {a: one}}`)
	_, err := b.client(old).Apply(t.Context(), "s", old, metav1.ApplyOptions{FieldManager: "sherpack"})
	b.must(err)
	edited := b.live(old)
	edited.Object["data"] = map[string]any{"a": "dHdv"}
	_, err = b.client(old).Update(t.Context(), edited, metav1.UpdateOptions{FieldManager: "kubectl-edit"})
	b.must(err)
	b.must(b.OwnData(t.Context(), []corev1.ObjectReference{b.ref("v1", "Secret", "s")}))
	applied := b.applyOne(b.object(`{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: b25l}}`), kube.ApplyOptions{})
	if !isConflict(applied.Err) {
		t.Errorf("the error is %v", applied.Err)
	}
}
