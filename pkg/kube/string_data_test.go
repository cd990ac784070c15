package kube_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
)

// A key that a Secret was applied with as stringData, by whomever this package applies for or takes over from, is removed by
// the first apply with data that does not name it. What somebody else has set stays.
func TestWhatWasAppliedAsStringDataIsRemoved(t *testing.T) {
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

func TestOwningDataIsRepeatedWhereItsAnswerIsLost(t *testing.T) {
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
func TestWhatSomebodyElseHasSetInASecretIsAConflict(t *testing.T) {
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
