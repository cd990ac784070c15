package kube

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
)

// metadataOnly asks for answers without spec and status where the server can.
const metadataOnly = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"

// Retries of one request: patient ones when the server says when to come back.
const (
	retries        = 5
	patientRetries = 10
)

// collectionPath is where the objects of a kind in a namespace are served.
func collectionPath(mapping *meta.RESTMapping, namespace string) []string {
	path := []string{"/apis", mapping.Resource.Group, mapping.Resource.Version}
	if mapping.Resource.Group == "" {
		path = []string{"/api", mapping.Resource.Version}
	}
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		path = append(path, "namespaces", namespace)
	}
	return append(path, mapping.Resource.Resource)
}

func objectPath(mapping *meta.RESTMapping, namespace, name string) []string {
	return append(collectionPath(mapping, namespace), name)
}

// retried sends what request makes until the answer is definite: a lost
// connection and a server that is busy or stumbles for a moment are asked
// again, after the time the server names or with a short backoff. It must be
// used for idempotent requests only. unsure tells that an earlier try may have
// reached the server.
func retried(ctx context.Context, request func() *rest.Request) (result rest.Result, unsure bool) {
	ctx = quiet(ctx)
	backoff := wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Steps: patientRetries, Jitter: 0.2, Cap: 2 * time.Second}
	for try := 0; ; try++ {
		result = request().MaxRetries(0).Do(ctx)
		err := result.Error()
		delay, again := retryDelay(err, try)
		if !again {
			return result, unsure
		}
		if pause(ctx, max(delay, backoff.Step())) != nil {
			return result, unsure
		}
		unsure = unsure || !apierrors.IsTooManyRequests(err)
	}
}

// retryDelay reports whether the error may pass by itself, and the least time
// to wait before asking again.
func retryDelay(err error, try int) (time.Duration, bool) {
	if err == nil {
		return 0, false
	}
	if seconds, ok := apierrors.SuggestsClientDelay(err); ok && !isTypedPatch(err) {
		return time.Duration(seconds) * time.Second, try < patientRetries
	}
	return 0, try < retries && passing(err)
}

func passing(err error) bool {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return passingCode(int(status.Status().Code)) && !isTypedPatch(err)
	}
	return utilnet.IsConnectionReset(err) || utilnet.IsConnectionRefused(err) ||
		utilnet.IsProbableEOF(err) || utilnet.IsHTTP2ConnectionLost(err) || errors.Is(err, io.ErrUnexpectedEOF)
}

func passingCode(code int) bool {
	switch code {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// isTypedPatch tells the HTTP 500 by which server-side apply refuses fields
// that the kind does not have: it never passes by itself.
func isTypedPatch(err error) bool {
	return err != nil && strings.Contains(err.Error(), typedPatch)
}

const typedPatch = "failed to create typed patch object"

// refOf is the reference of an object as it is known before it is sent.
func refOf(object *unstructured.Unstructured) corev1.ObjectReference {
	return corev1.ObjectReference{
		APIVersion: object.GetAPIVersion(),
		Kind:       object.GetKind(),
		Namespace:  object.GetNamespace(),
		Name:       object.GetName(),
		UID:        object.GetUID(),
	}
}

func kindOf(ref corev1.ObjectReference) schema.GroupVersionKind {
	return schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind)
}

// nameOf names an object in messages: Kind/namespace/name, or Kind/name.
func nameOf(ref corev1.ObjectReference) string {
	parts := []string{ref.Kind, ref.Namespace, ref.Name}
	if ref.Namespace == "" {
		parts = []string{ref.Kind, ref.Name}
	}
	if ref.Name == "" {
		parts = []string{ref.Kind}
	}
	return strings.Join(parts, "/")
}
