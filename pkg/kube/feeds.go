package kube

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

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

// openFeed starts to follow the source until close, whatever becomes of ctx.
func (c *Cluster) openFeed(ctx context.Context, from source) (*feed.Feed, error) {
	mapping, err := c.kinds.stored(from.kind)
	if err != nil {
		return nil, err
	}
	return feed.Open(quiet(ctx), c.objects(mapping, from.namespace), feed.Options{
		Labels: from.labels, Fields: from.fieldTerm, Optional: from.optional,
		Lacks: func(err error, verb string) {
			c.lacks(err, right{verb, mapping.Resource.GroupResource(), namespaceOf(mapping, from.namespace)}, insteadOf(verb, from.optional))
		},
	}), nil
}

// insteadOf is what a feed does where it may not list or watch.
func insteadOf(verb string, optional bool) string {
	switch {
	case verb == "list":
		return insteadOfList
	case optional:
		return insteadOfEvents
	}
	return fmt.Sprintf("asking every %s instead", feed.PollEvery)
}

// sharedFeed returns the feed of the source, which lives until Close.
func (c *Cluster) sharedFeed(ctx context.Context, from source) (*feed.Feed, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errors.New("the connection is closed")
	}
	if known := c.shared[from]; known != nil {
		return known, nil
	}
	opened, err := c.openFeed(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", from.kind.Kind, err)
	}
	c.shared[from] = opened
	return opened, nil
}

// following returns the shared feed that knows the object.
func (c *Cluster) following(ref corev1.ObjectReference) (*feed.Feed, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for from, opened := range c.shared {
		if from.kind == kinds.Of(ref) && from.namespace == ref.Namespace && opened.Find(ref.Name) != nil {
			return opened, true
		}
	}
	return nil, false
}
