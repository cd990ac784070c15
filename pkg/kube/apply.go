package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
)

// ApplyOptions say how objects are applied.
type ApplyOptions struct {
	// ForceConflicts takes fields that another field manager owns.
	ForceConflicts bool
	// Claims are fields, as a FieldConflict names them, that are taken from
	// other field managers where nothing else is in conflict.
	Claims []string

	// dryRun has the API server do everything but write.
	dryRun bool
}

// VersionOfNone is a resourceVersion that no object has: one that is applied
// with it is created, and nothing is changed where there is one of its name.
const VersionOfNone = "1"

// Applied is the answer to one applied object.
type Applied struct {
	// Ref names the object, with UID and ResourceVersion where it was applied.
	Ref corev1.ObjectReference
	// Generation is the object's after the apply; 0 where its kind has none.
	Generation int64
	// Labels and Annotations are what the object carries after the apply.
	Labels, Annotations map[string]string
	// Created tells that the object was not there before.
	Created bool
	// Elapsed is the time from sending the object to the definite answer.
	Elapsed time.Duration
	// Err is why it could not be applied; nil when it was.
	Err error
}

// Apply applies objects by server-side apply with strict field validation,
// atOnce at a time and in no particular order, and returns when all have been
// tried; the objects are not changed. done, which may be nil, is called once
// for each object that was sent, one call at a time, in the order of
// completion. Once ctx has ended nothing more is sent. Fleeting errors are
// retried. The error joins those of the objects in their order: a
// *ConflictError, *InvalidFieldsError, *ImmutableError or *NotServedError
// where that is the matter, ErrGone or ErrReplaced for an object that carries
// a metadata.uid, ErrReplaced for one with VersionOfNone, else the server's
// error.
func (c *Cluster) Apply(ctx context.Context, objects []*unstructured.Unstructured, options ApplyOptions, done func(i int, applied Applied)) error {
	report := inTurn(done)
	c.api.kinds.LookAgain()
	defer c.api.kinds.LookAgain()
	return each(ctx, len(objects), atOnce, func(i int) error {
		applied := applier{c.api}.One(ctx, objects[i], options)
		report(i, applied)
		return applied.Err
	})
}

// applier sends objects to be applied.
type applier struct{ *connection }

// One applies one object and says how that went.
func (c applier) One(ctx context.Context, object *unstructured.Unstructured, options ApplyOptions) Applied {
	start := time.Now()
	applied := Applied{Ref: kinds.RefOf(object)}
	answer := &metav1.PartialObjectMetadata{}
	created, err := c.Send(ctx, object, options, answer)
	applied.Elapsed = time.Since(start)
	if err != nil {
		applied.Err = c.Refused(ctx, object, err)
		return applied
	}
	applied.Ref.UID, applied.Ref.ResourceVersion = answer.UID, answer.ResourceVersion
	applied.Generation, applied.Created = answer.Generation, created
	applied.Labels, applied.Annotations = answer.Labels, answer.Annotations
	c.kinds.Promise(object)
	return applied
}

// Send applies one object, or submits that as a dry-run, reads the answer and tells whether it created the object. The answer is
// the object's metadata, or all of it where it is an Unstructured. A conflict about nothing but what it claims is taken.
func (c applier) Send(ctx context.Context, object *unstructured.Unstructured, options ApplyOptions, answer metav1.Object) (created bool, err error) {
	created, err = c.sendOnce(ctx, object, options, answer)
	if options.ForceConflicts || !isAbout(refusal.Classify(kinds.RefOf(object), err), options.Claims) {
		return created, err
	}
	options.ForceConflicts = true
	return c.sendOnce(ctx, object, options, answer)
}

// isAbout reports whether an error is a conflict about none but some fields.
func isAbout(err error, fields []string) bool {
	var conflict *refusal.ConflictError
	return errors.As(err, &conflict) && !slices.ContainsFunc(conflict.Conflicts, func(found refusal.FieldConflict) bool {
		return !slices.Contains(fields, found.Field)
	})
}

func (c applier) sendOnce(ctx context.Context, object *unstructured.Unstructured, options ApplyOptions, answer metav1.Object) (created bool, err error) {
	mapping, err := c.kinds.Await(ctx, object.GroupVersionKind())
	if err != nil {
		return false, err
	}
	if object.GetName() == "" {
		return false, errors.New("the object has no name")
	}
	if err := addressable(mapping, object); err != nil {
		return false, err
	}
	body, err := json.Marshal(object)
	if err != nil {
		return false, fmt.Errorf("encoding the object: %w", err)
	}
	start := time.Now()
	result, unsure := retried(ctx, func() *rest.Request {
		request := c.rest.Patch(types.ApplyPatchType).AbsPath(objectPath(mapping, object.GetNamespace(), object.GetName())...).
			Param("fieldManager", fieldManager).Param("fieldValidation", "Strict").
			Param("force", strconv.FormatBool(options.ForceConflicts)).
			SetHeader("Accept", accepted(answer)).Body(body)
		if options.dryRun {
			request.Param("dryRun", metav1.DryRunAll)
		}
		return request
	})
	status, err := decode(result, answer)
	if err != nil {
		return false, refusal.WithRequest(err, "PATCH", objectPath(mapping, object.GetNamespace(), object.GetName()))
	}
	return status == http.StatusCreated || unsure && madeSince(answer, start), nil
}

// madeSince tells, after a lost answer, whether the try before has created
// what the last one found. The server's times are in seconds.
func madeSince(answer metav1.Object, start time.Time) bool {
	return !answer.GetCreationTimestamp().Time.Before(start.Truncate(time.Second))
}

// addressable refuses what would be sent to a path of another meaning. What is created may do without a name.
func addressable(mapping *meta.RESTMapping, object *unstructured.Unstructured) error {
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace && object.GetNamespace() == "" {
		return errors.New("the object has no namespace")
	}
	return kinds.CheckRefs(kinds.RefOf(object))
}

func decode(result rest.Result, into any) (status int, err error) {
	if err := result.Error(); err != nil {
		return 0, err
	}
	body, err := result.StatusCode(&status).Raw()
	if err != nil {
		return 0, err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return 0, fmt.Errorf("decoding the server's answer: %w", err)
	}
	return status, nil
}

// Refused says what an error of Send or DryCreate means. Server-side apply names only some of the fields that a kind does not
// have; a dry-run creation, which decodes first, names them all. Values of a Secret are omitted.
func (c applier) Refused(ctx context.Context, object *unstructured.Unstructured, err error) error {
	ref := kinds.RefOf(object)
	if object.GetResourceVersion() == VersionOfNone && apierrors.IsConflict(err) {
		return fmt.Errorf("applying %s: %w: %w", kinds.NameOf(ref), refusal.ErrReplaced, err)
	}
	if refusal.IsTypedPatch(err) {
		if full := c.DryCreate(ctx, object, &metav1.PartialObjectMetadata{}); refusal.IsStrict(full) {
			err = full
		}
	}
	return refusal.WithoutSecrets(object, refusal.Classify(ref, err))
}

// DryCreate submits the creation of the object as a dry-run, without its UID, and reads the answer as Send does.
func (c applier) DryCreate(ctx context.Context, object *unstructured.Unstructured, answer metav1.Object) error {
	mapping, err := c.kinds.Mapping(object.GroupVersionKind())
	if err != nil {
		return err
	}
	if err := addressable(mapping, object); err != nil {
		return err
	}
	fresh := object.DeepCopy()
	fresh.SetUID("")
	fresh.SetResourceVersion("")
	body, err := json.Marshal(fresh)
	if err != nil {
		return err
	}
	result, _ := retried(ctx, func() *rest.Request {
		return c.rest.Post().AbsPath(collectionPath(mapping, object.GetNamespace())...).
			Param("dryRun", metav1.DryRunAll).Param("fieldManager", fieldManager).Param("fieldValidation", "Strict").
			SetHeader("Accept", accepted(answer)).SetHeader("Content-Type", "application/json").Body(body)
	})
	_, err = decode(result, answer)
	return refusal.WithRequest(err, "POST", collectionPath(mapping, object.GetNamespace()))
}
