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
	Find(ctx context.Context, refs []corev1.ObjectReference) ([]*metav1.PartialObjectMetadata, error)
	Lookup(ctx context.Context, apiVersion, kind, namespace, name string) (map[string]any, error)
	Apply(ctx context.Context, objects []*unstructured.Unstructured, options kube.ApplyOptions, done func(i int, applied kube.Applied)) error
	Delete(ctx context.Context, targets []kube.Deletion, done func(i int, elapsed time.Duration, err error)) error
	AwaitGone(ctx context.Context, refs []corev1.ObjectReference) error
	RunHook(ctx context.Context, run kube.HookRun, observe func(kube.HookProgress)) (kube.HookOutcome, error)
	Wait(ctx context.Context, targets []kube.WaitTarget, selector string, observe func(kube.Readiness)) error
}

// Store is what a Runner needs of the place where releases are kept.
type Store interface {
	// Create stores a new revision whole; it fails where the revision is there already.
	Create(ctx context.Context, r *release.Release) error
	// UpdateStatus and UpdateInventory write one part of a revision that is stored.
	UpdateStatus(ctx context.Context, r *release.Release) error
	UpdateInventory(ctx context.Context, r *release.Release) error
	// Drop removes all that is stored of a release.
	Drop(ctx context.Context, namespace, name string) error
}
