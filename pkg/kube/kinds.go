package kube

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/restmapper"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
	"github.com/sherpack-io/kubectl-sherpack/pkg/patience"
)

// knownKinds knows which kinds the server has and where it serves them.
type knownKinds struct {
	discovery discovery.CachedDiscoveryInterface
	mapper    *restmapper.DeferredDiscoveryRESTMapper

	mu sync.Mutex
	// resets counts fresh discoveries, so that callers that miss at the same
	// time share one.
	resets int
	// promised kinds have had their definition applied or waited for through this Cluster:
	// the server may need a moment before it serves them.
	promised map[schema.GroupKind]bool
	// missing kinds were looked for in vain with a fresh discovery, which costs as much as all else
	// that a command asks. They are not looked for again before something is applied or the caller says that time has passed.
	missing map[schema.GroupVersionKind]error
}

func newKinds(known discovery.CachedDiscoveryInterface) *knownKinds {
	return &knownKinds{
		discovery: known,
		mapper:    restmapper.NewDeferredDiscoveryRESTMapperWithContext(quietDiscovery{discovery.ToCachedDiscoveryInterfaceWithContext(known)}),
		promised:  map[schema.GroupKind]bool{},
		missing:   map[schema.GroupVersionKind]error{},
	}
}

// Namespaced reports whether objects of the kind live in namespaces. For a
// kind that the server does not serve, also not by a fresh look, the error is
// a *NotServedError, and meta.IsNoMatchError is true of it. A kind whose group
// cannot be asked at the moment is not called unknown: that is another error.
func (c *Cluster) Namespaced(gvk schema.GroupVersionKind) (bool, error) {
	mapping, err := c.api.kinds.Mapping(gvk)
	if meta.IsNoMatchError(err) {
		return false, refusal.Classify(corev1.ObjectReference{APIVersion: gvk.GroupVersion().String(), Kind: gvk.Kind}, err)
	}
	if err != nil {
		return false, fmt.Errorf("looking up kind %s: %w", gvk.Kind, err)
	}
	return mapping.Scope.Name() == meta.RESTScopeNameNamespace, nil
}

// ServedIn returns the API version in which the server has a kind that it does not have in the version asked for: another one of
// its group or, where that has none, of a group of Kubernetes, which moves kinds; "" where it has none.
func (c *Cluster) ServedIn(gvk schema.GroupVersionKind) string {
	if mapping, err := c.api.kinds.mapper.RESTMapping(gvk.GroupKind()); err == nil {
		return mapping.GroupVersionKind.GroupVersion().String()
	}
	plural, _ := meta.UnsafeGuessKindToResource(gvk)
	found, err := c.api.kinds.mapper.KindsFor(schema.GroupVersionResource{Resource: plural.Resource})
	if err != nil {
		return ""
	}
	for _, other := range found {
		ofKubernetes := !strings.Contains(other.Group, ".") || strings.HasSuffix(other.Group, ".k8s.io")
		if other.Kind == gvk.Kind && ofKubernetes {
			return other.GroupVersion().String()
		}
	}
	return ""
}

// Mapping finds where the kind is served. A kind that is not known is looked
// up once more with a fresh discovery; the error is a NoMatch error only when
// the server says that it does not serve the kind's group and version or that
// the kind is not among its kinds.
func (k *knownKinds) Mapping(gvk schema.GroupVersionKind) (*meta.RESTMapping, error) {
	// A mapper over a stale cache refreshes that cache by itself.
	fresh, seen := k.discovery.Fresh(), k.resetCount()
	mapping, err := k.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if missing := k.isMissing(gvk); meta.IsNoMatchError(err) && missing != nil {
		return nil, missing
	}
	if meta.IsNoMatchError(err) && fresh {
		k.resetSince(seen)
		mapping, err = k.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	}
	if !meta.IsNoMatchError(err) {
		return mapping, err
	}
	_, down := k.discovery.ServerResourcesForGroupVersion(gvk.GroupVersion().String())
	if down != nil && !apierrors.IsNotFound(down) && !errors.Is(down, memory.ErrCacheNotFound) {
		return nil, fmt.Errorf("discovering %s: %w", gvk.GroupVersion(), down)
	}
	k.miss(gvk, err)
	return nil, err
}

// miss remembers that a kind is not served. A promised one may be at any moment.
func (k *knownKinds) miss(gvk schema.GroupVersionKind, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.promised[gvk.GroupKind()] {
		k.missing[gvk] = err
	}
}

// isMissing returns the error of a kind that was looked for in vain; nil for any other.
func (k *knownKinds) isMissing(gvk schema.GroupVersionKind) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.missing[gvk]
}

// LookAgain has kinds looked for again that were not served. A caller that has waited for somebody else calls it, because
// they may be served by now.
func (c *Cluster) LookAgain() { c.api.kinds.LookAgain() }

// LookAgain forgets which kinds were missing: what is applied may define them, or make somebody define them.
func (k *knownKinds) LookAgain() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.missing)
}

// Stored is Mapping for what is on the cluster already: an object outlives the
// version that it was written in, and stands under any other of its kind.
func (k *knownKinds) Stored(gvk schema.GroupVersionKind) (*meta.RESTMapping, error) {
	mapping, err := k.Mapping(gvk)
	if !meta.IsNoMatchError(err) {
		return mapping, err
	}
	if other, unknown := k.mapper.RESTMapping(gvk.GroupKind()); unknown == nil {
		return other, nil
	}
	return nil, err
}

// AtStored sends requests to where a kind is stored. What was discovered may be out
// of date: of a path that the server does not have it is asked again, for some
// seconds, because a server needs a moment to announce what a definition has changed.
// That such a path is not served does not tell that there are no objects, so the
// error is not that of an object that is not there then.
func (k *knownKinds) AtStored(ctx context.Context, gvk schema.GroupVersionKind, send func(*meta.RESTMapping) error) error {
	backoff := untilAnnounced()
	for {
		seen := k.resetCount()
		mapping, err := k.Stored(gvk)
		if err == nil {
			err = send(mapping)
		}
		if !refusal.IsUnserved(err) {
			return err
		}
		if backoff.Steps == 0 || patience.Pause(ctx, backoff.Step()) != nil {
			return fmt.Errorf("the server lists %s in %s, but does not serve it: %s", gvk.Kind, mapping.GroupVersionKind.GroupVersion(), err.Error())
		}
		k.resetSince(seen)
	}
}

// untilAnnounced is how long a server may need to announce what a definition has
// changed: a busy one needs seconds.
func untilAnnounced() wait.Backoff {
	return wait.Backoff{Duration: 50 * time.Millisecond, Factor: 1.5, Steps: 12, Jitter: 0.1}
}

func (k *knownKinds) resetCount() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.resets
}

// resetSince forgets what was discovered, unless that was done after seen.
func (k *knownKinds) resetSince(seen int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.resets == seen {
		k.resets++
		k.mapper.Reset()
	}
}

// Await is Mapping that gives a promised kind some seconds to be served.
func (k *knownKinds) Await(ctx context.Context, gvk schema.GroupVersionKind) (*meta.RESTMapping, error) {
	backoff := untilAnnounced()
	for {
		mapping, err := k.Mapping(gvk)
		if !meta.IsNoMatchError(err) || !k.isPromised(gvk.GroupKind()) || backoff.Steps == 0 {
			return mapping, err
		}
		if patience.Pause(ctx, backoff.Step()) != nil {
			return mapping, err
		}
	}
}

func (k *knownKinds) isPromised(kind schema.GroupKind) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.promised[kind]
}

// Promise remembers the kind that a CustomResourceDefinition brings; it does nothing for any other object.
func (k *knownKinds) Promise(definition *unstructured.Unstructured) {
	if definition.GetKind() != "CustomResourceDefinition" {
		return
	}
	group, _, _ := unstructured.NestedString(definition.Object, "spec", "group")
	kind, _, _ := unstructured.NestedString(definition.Object, "spec", "names", "kind")
	k.mu.Lock()
	defer k.mu.Unlock()
	k.promised[schema.GroupKind{Group: group, Kind: kind}] = true
	clear(k.missing)
}
