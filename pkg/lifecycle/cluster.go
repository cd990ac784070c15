package lifecycle

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Cluster is what a Runner needs of a cluster. *kube.Cluster implements it, and its documentation is the contract.
type Cluster interface {
	// Find answers which objects exist, in the order of refs; nil where one does not.
	Find(ctx context.Context, refs []corev1.ObjectReference) ([]*metav1.PartialObjectMetadata, error)
	// Lookup returns an object; empty where it does not exist.
	Lookup(ctx context.Context, apiVersion, kind, namespace, name string) (map[string]any, error)
	// DryRun submits writes as dry-runs, and returns the answers in the order of objects.
	DryRun(ctx context.Context, objects []kube.DryRun) ([]kube.DryRunResult, error)
	// Snapshot returns objects whole, without status, in the order of refs; nil where one does not exist.
	Snapshot(ctx context.Context, refs []corev1.ObjectReference) ([]*unstructured.Unstructured, error)
	// GiveBack makes adopted objects what they were; done is called as for Apply.
	GiveBack(ctx context.Context, returns []kube.Return, done func(i int, err error)) error
	// HandOver gives objects other marks and their fields another manager.
	HandOver(ctx context.Context, handovers []kube.Handover, managers kube.Managers, done func(i int, err error)) error
	// TryHandOver submits what HandOver would change as a dry-run.
	TryHandOver(ctx context.Context, handovers []kube.Handover, managers kube.Managers, done func(i int, err error)) error
	// TakeOver makes the fields ours that kubectl or Helm manages in some objects.
	TakeOver(ctx context.Context, refs []corev1.ObjectReference) error
	// OwnData makes data ours in some Secrets that was applied as stringData.
	OwnData(ctx context.Context, refs []corev1.ObjectReference) error
	// Apply applies objects side by side; done is called once for each, one call at a time.
	Apply(ctx context.Context, objects []*unstructured.Unstructured, options kube.ApplyOptions, done func(i int, applied kube.Applied)) error
	// Delete deletes objects side by side and waits until they are gone; done is called as for Apply.
	Delete(ctx context.Context, targets []kube.Deletion, done func(i int, elapsed time.Duration, err error)) error
	// Contents returns what is in a namespace, apart from what Kubernetes itself puts there and what is on its way out.
	Contents(ctx context.Context, namespace string) ([]corev1.ObjectReference, error)
	// AwaitGone waits until objects that are being deleted are gone.
	AwaitGone(ctx context.Context, refs []corev1.ObjectReference, observe func(i int, why string)) error
	// RunHook applies a hook and follows it to its end. The error is nil when it ended, however it did.
	RunHook(ctx context.Context, run kube.HookRun, observe func(kube.HookProgress)) (kube.HookOutcome, error)
	// FollowHook is RunHook for an object that was applied before and may be running.
	FollowHook(ctx context.Context, run kube.HookRun, observe func(kube.HookProgress)) (kube.HookOutcome, error)
	// Wait waits until all targets are ready.
	Wait(ctx context.Context, targets []kube.WaitTarget, selector string, observe func(kube.Readiness)) error
	// Notices says which rights were found to be missing since the last call, and what is done without them.
	Notices() []string
}

// Store is what a Runner needs of the place where releases are kept.
type Store interface {
	// Create stores a new revision whole; it fails where the revision is there already.
	Create(ctx context.Context, r *release.Release) error
	// UpdateStatus writes the status of a revision that is stored.
	UpdateStatus(ctx context.Context, r *release.Release) error
	// UpdateInventory writes the inventory of a revision that is stored.
	UpdateInventory(ctx context.Context, r *release.Release) error
	// AddFormer records beside a stored revision what some objects are before they are adopted.
	AddFormer(ctx context.Context, r *release.Release, former []release.Former) error
	// DropFormer removes what is recorded of what objects were before the release adopted them.
	DropFormer(ctx context.Context, namespace, name string) error
	// Supersede records of a stored revision that another one is deployed in its place.
	Supersede(ctx context.Context, r *release.Release) error
	// Forget removes a stored revision.
	Forget(ctx context.Context, r *release.Release) error
	// PutHelm writes what Helm keeps of a release.
	PutHelm(ctx context.Context, records []release.HelmRecord) error
	// TryHelm submits what PutHelm would write as a dry-run.
	TryHelm(ctx context.Context, records []release.HelmRecord) error
	// CheckHidden makes sure that Helm finds nothing of a release.
	CheckHidden(ctx context.Context, namespace, name string) error
	// Drop removes all that is stored of a release.
	Drop(ctx context.Context, namespace, name string) error
}

// finder is what the ledger needs of a cluster.
type finder interface {
	Find(ctx context.Context, refs []corev1.ObjectReference) ([]*metav1.PartialObjectMetadata, error)
	AwaitGone(ctx context.Context, refs []corev1.ObjectReference, observe func(i int, why string)) error
}

// dryRunner is what the preflight needs of a cluster: it writes nothing.
type dryRunner interface {
	Find(ctx context.Context, refs []corev1.ObjectReference) ([]*metav1.PartialObjectMetadata, error)
	DryRun(ctx context.Context, objects []kube.DryRun) ([]kube.DryRunResult, error)
	Delete(ctx context.Context, targets []kube.Deletion, done func(i int, elapsed time.Duration, err error)) error
}

// adopter is what the adoption needs of a cluster.
type adopter interface {
	Find(ctx context.Context, refs []corev1.ObjectReference) ([]*metav1.PartialObjectMetadata, error)
	Snapshot(ctx context.Context, refs []corev1.ObjectReference) ([]*unstructured.Unstructured, error)
	TakeOver(ctx context.Context, refs []corev1.ObjectReference) error
	GiveBack(ctx context.Context, returns []kube.Return, done func(i int, err error)) error
}

// formerStore is what the adoption needs of a store.
type formerStore interface {
	AddFormer(ctx context.Context, r *release.Release, former []release.Former) error
}
