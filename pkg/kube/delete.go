package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
)

// Deletion is an object to delete.
type Deletion struct {
	// Ref names the object. Its UID is the precondition: an object of another
	// UID under that name is left alone. An empty UID is no precondition.
	Ref corev1.ObjectReference
	// Propagation is what becomes of its dependents; "" is Background.
	Propagation metav1.DeletionPropagation
	// AfterEnd lets a Job whose verdict is known come to its end first: until then its Pods are being
	// ended, and would be orphans without it.
	AfterEnd bool
	// NoWait only starts the deletion: it is done once the API server has
	// accepted it, while the object may still be there.
	NoWait bool
	// DryRun has the API server do everything but delete; it needs NoWait.
	DryRun bool
}

// Delete deletes the objects, sixteen at a time, and waits until each is gone,
// finalizers and grace period included, unless its Deletion says NoWait. An
// object that is not there, is there with another UID, or is of a kind that is
// no longer served is gone. done, which may be nil, is called once for each
// deletion that was sent, one call at a time, in the order of completion, with
// the time since the call. Once ctx has ended nothing more is deleted. The
// error joins those of the objects in their order; when ctx ended the wait, it
// wraps the context's error and says what keeps the object.
func (c *Cluster) Delete(ctx context.Context, targets []Deletion, done func(i int, elapsed time.Duration, err error)) error {
	failures := make([]error, len(targets))
	start := time.Now()
	report := inTurn(func(i int, err error) {
		failures[i] = err
		if done != nil {
			done(i, time.Since(start), err)
		}
	})
	refs := make([]corev1.ObjectReference, len(targets))
	for i, target := range targets {
		refs[i] = target.Ref
	}
	exits := c.newExits(refs)
	defer exits.close()
	var waits sync.WaitGroup
	notStarted := each(ctx, len(targets), atOnce, func(i int) error {
		uid, err := c.deleteOne(ctx, targets[i])
		if err != nil || uid == "" || targets[i].NoWait {
			report(i, err)
			return nil
		}
		gone := exits.watch(ctx, withUID(refs[i], uid))
		waits.Go(func() { report(i, gone(ctx)) })
		return nil
	})
	waits.Wait()
	return errors.Join(append(failures, notStarted)...)
}

func withUID(ref corev1.ObjectReference, uid types.UID) corev1.ObjectReference {
	ref.UID = uid
	return ref
}

// AwaitGone waits until objects that are being deleted are gone: their UIDs,
// or with an empty UID whatever has their name. It only watches. The error is
// as Delete's.
func (c *Cluster) AwaitGone(ctx context.Context, refs []corev1.ObjectReference) error {
	if err := kinds.CheckRefs(refs...); err != nil {
		return fmt.Errorf("await the end: %w", err)
	}
	exits := c.newExits(refs)
	defer exits.close()
	return each(ctx, len(refs), -1, func(i int) error { return exits.watch(ctx, refs[i])(ctx) })
}

// deleteOne returns the UID of the object if it is still there.
func (c *Cluster) deleteOne(ctx context.Context, target Deletion) (types.UID, error) {
	if target.AfterEnd {
		if err := c.awaitEnd(ctx, target.Ref); err != nil {
			return "", fmt.Errorf("delete %s: %w", kinds.NameOf(target.Ref), err)
		}
	}
	return c.sendDelete(ctx, target)
}

// sendDelete returns the UID of the object if it is still there.
func (c *Cluster) sendDelete(ctx context.Context, target Deletion) (uid types.UID, err error) {
	if err := kinds.CheckRefs(target.Ref); err != nil {
		return "", fmt.Errorf("delete: %w", err)
	}
	body, err := json.Marshal(deleteOptions(target))
	if err != nil {
		return "", fmt.Errorf("delete %s: %w", kinds.NameOf(target.Ref), err)
	}
	answer := &metav1.PartialObjectMetadata{}
	err = c.kinds.atStored(ctx, kinds.Of(target.Ref), func(mapping *meta.RESTMapping) error {
		result, _ := retried(ctx, func() *rest.Request {
			return c.rest.Delete().AbsPath(objectPath(mapping, target.Ref.Namespace, target.Ref.Name)...).
				SetHeader("Accept", metadataOnly).SetHeader("Content-Type", "application/json").Body(body)
		})
		_, err := decode(result, answer)
		return err
	})
	switch {
	case meta.IsNoMatchError(err), apierrors.IsNotFound(err), refusal.IsOtherUID(err), target.DryRun && refusal.NoDryRun(err):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("delete %s: %w", kinds.NameOf(target.Ref), err)
	case answer.DeletionTimestamp == nil:
		// A Status, or the last state of an object that went at once.
		return "", nil
	}
	return answer.UID, nil
}

func deleteOptions(target Deletion) metav1.DeleteOptions {
	propagation := target.Propagation
	if propagation == "" {
		propagation = metav1.DeletePropagationBackground
	}
	options := metav1.DeleteOptions{
		TypeMeta:          metav1.TypeMeta{APIVersion: "v1", Kind: "DeleteOptions"},
		PropagationPolicy: &propagation,
	}
	if target.DryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	if target.Ref.UID != "" {
		options.Preconditions = &metav1.Preconditions{UID: &target.Ref.UID}
	}
	return options
}
