package kube

import (
	"context"
	"errors"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/feed"
)

// source is what a feed follows: objects of one kind in one namespace, or the
// cluster's, narrowed by selectors.
type source struct {
	kind              schema.GroupVersionKind
	namespace         string
	labels, fieldTerm string
	// optional gives up where the source may not be watched.
	optional bool
}

// feeds opens watches, and shares those that live until Close.
type feeds struct {
	*connection

	mu     sync.Mutex
	closed bool
	shared map[source]*feed.Feed
}

// Close ends the shared watches and waits until they have ended.
func (f *feeds) Close() {
	f.mu.Lock()
	shared := f.shared
	f.shared, f.closed = nil, true
	f.mu.Unlock()
	for _, opened := range shared {
		opened.Close()
	}
}

// Open starts to follow the source until it is closed, whatever becomes of ctx.
func (f *feeds) Open(ctx context.Context, from source) (*feed.Feed, error) {
	mapping, err := f.kinds.Stored(from.kind)
	if err != nil {
		return nil, err
	}
	return feed.Open(quiet(ctx), stored{f.connection, from.kind, from.namespace}, feed.Options{
		Labels: from.labels, Fields: from.fieldTerm, Optional: from.optional,
		Lacks: func(err error, verb string) {
			f.Lacks(err, right{verb, mapping.Resource.GroupResource(), namespaceOf(mapping, from.namespace)}, insteadOf(verb, from.optional))
		},
	}), nil
}

// stored are the objects of a kind in a namespace, wherever the server has them when it is asked: a definition may stop serving
// the version that a watch was opened in.
type stored struct {
	*connection
	kind      schema.GroupVersionKind
	namespace string
}

func (s stored) at(ctx context.Context, send func(dynamic.ResourceInterface) error) error {
	return s.kinds.AtStored(ctx, s.kind, func(mapping *meta.RESTMapping) error { return send(s.Objects(mapping, s.namespace)) })
}

// Get implements feed.Objects.
func (s stored) Get(ctx context.Context, name string, options metav1.GetOptions, subresources ...string) (found *unstructured.Unstructured, err error) {
	err = s.at(ctx, func(objects dynamic.ResourceInterface) (err error) {
		found, err = objects.Get(ctx, name, options, subresources...)
		return err
	})
	return found, err
}

// List implements feed.Objects.
func (s stored) List(ctx context.Context, options metav1.ListOptions) (found *unstructured.UnstructuredList, err error) {
	err = s.at(ctx, func(objects dynamic.ResourceInterface) (err error) {
		found, err = objects.List(ctx, options)
		return err
	})
	return found, err
}

// Watch implements feed.Objects.
func (s stored) Watch(ctx context.Context, options metav1.ListOptions) (stream watch.Interface, err error) {
	err = s.at(ctx, func(objects dynamic.ResourceInterface) (err error) {
		stream, err = objects.Watch(ctx, options)
		return err
	})
	return stream, err
}

// insteadOf is what a feed does where it may not list or watch.
func insteadOf(verb string, optional bool) string {
	switch {
	case verb == "list":
		return insteadOfList
	case optional:
		return insteadOfEvents
	}
	return fmt.Sprintf("polling every %s instead", feed.PollEvery)
}

// Shared returns the feed of the source, which lives until Close.
func (f *feeds) Shared(ctx context.Context, from source) (*feed.Feed, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, errors.New("the connection is closed")
	}
	if known := f.shared[from]; known != nil {
		return known, nil
	}
	opened, err := f.Open(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("watching %s: %w", from.kind.Kind, err)
	}
	f.shared[from] = opened
	return opened, nil
}

// Following returns the shared feed that knows the object, and whether there is one.
func (f *feeds) Following(ref corev1.ObjectReference) (*feed.Feed, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for from, opened := range f.shared {
		if from.kind == kinds.Of(ref) && from.namespace == ref.Namespace && opened.Find(ref.Name) != nil {
			return opened, true
		}
	}
	return nil, false
}
