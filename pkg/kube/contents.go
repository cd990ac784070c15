package kube

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
)

// handful is how many objects of one kind Contents names.
const handful = 5

// Contents tells what would be lost with a namespace: up to five objects of
// each kind, sorted by kind, API version and name; nil when there is nothing,
// or no such namespace. Every kind that the server has at this moment counts
// that can be listed and deleted. Left out are
//   - objects that are being deleted, and those with an owner, which decides;
//   - what Kubernetes puts into every namespace: the ServiceAccount "default"
//     and its token Secrets, and the ConfigMap "kube-root-ca.crt";
//   - what only tells of other objects: Events, Endpoints, EndpointSlices, and
//     Leases, which say who leads and stay behind when the leader is gone.
//
// A kind that may not be listed is an error, as is an API that does not
// answer: what there is cannot be known then.
func (c *Cluster) Contents(ctx context.Context, namespace string) ([]corev1.ObjectReference, error) {
	if err := kinds.CheckRefs(corev1.ObjectReference{Kind: "Namespace", Name: namespace}); err != nil {
		return nil, fmt.Errorf("look into: %w", err)
	}
	ctx = quiet(ctx)
	if apierrors.IsNotFound(c.rest.Get().AbsPath("/api/v1/namespaces", namespace).Do(ctx).Error()) {
		return nil, nil
	}
	resources, err := c.holding(ctx)
	if err != nil {
		return nil, fmt.Errorf("look into Namespace/%s: %w", namespace, err)
	}
	found, failures := make([][]corev1.ObjectReference, len(resources)), make([]error, len(resources))
	err = each(ctx, len(resources), atOnce, func(i int) error {
		found[i], failures[i] = c.contentsOf(ctx, resources[i], namespace)
		return nil
	})
	if err = cmp.Or(err, firstOf(failures)); err != nil {
		return nil, fmt.Errorf("look into Namespace/%s: %w", namespace, err)
	}
	contents := slices.Concat(found...)
	slices.SortFunc(contents, func(a, b corev1.ObjectReference) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.APIVersion, b.APIVersion), strings.Compare(a.Name, b.Name))
	})
	return contents, nil
}

// firstOf is the first error and the number of the others: who lacks one right
// often lacks it for all kinds.
func firstOf(failures []error) error {
	failures = slices.DeleteFunc(failures, func(err error) bool { return err == nil })
	switch len(failures) {
	case 0:
		return nil
	case 1:
		return failures[0]
	}
	return fmt.Errorf("%w (and %d more)", failures[0], len(failures)-1)
}

// resource is where a kind is served, and its name.
type resource struct {
	schema.GroupVersionResource
	kind string
}

// holding are the kinds whose objects can make a namespace worth keeping. It
// does not ask the discovery cache: kinds come and go with what is installed,
// and the cache conceals groups that do not answer.
func (c *Cluster) holding(ctx context.Context) ([]resource, error) {
	lists, err := discovery.NewDiscoveryClient(c.rest).ServerPreferredNamespacedResourcesWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("discover what the server serves: %w", err)
	}
	var resources []resource
	for _, list := range discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"list", "delete"}}, lists) {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, fmt.Errorf("discover what the server serves: %w", err)
		}
		for _, served := range list.APIResources {
			at := resource{GroupVersionResource: version.WithResource(served.Name), kind: served.Kind}
			if !tellsOfOthers(at.GroupResource()) {
				resources = append(resources, at)
			}
		}
	}
	slices.SortFunc(resources, func(a, b resource) int {
		return strings.Compare(a.GroupResource().String(), b.GroupResource().String())
	})
	return resources, nil
}

// tellsOfOthers reports whether objects of the kind are worth nothing alone.
func tellsOfOthers(resource schema.GroupResource) bool {
	switch resource.String() {
	case "events", "events.events.k8s.io", "endpoints", "endpointslices.discovery.k8s.io", "leases.coordination.k8s.io":
		return true
	}
	return false
}

func (c *Cluster) contentsOf(ctx context.Context, resource resource, namespace string) ([]corev1.ObjectReference, error) {
	found := map[string]corev1.ObjectReference{}
	visit := func(item *metav1.PartialObjectMetadata) (enough bool) {
		ref := corev1.ObjectReference{
			APIVersion: resource.GroupVersion().String(), Kind: resource.kind,
			Namespace: namespace, Name: item.Name, UID: item.UID,
		}
		if item.DeletionTimestamp == nil && len(item.OwnerReferences) == 0 && !isGiven(ref, item.Annotations) {
			found[item.Name] = ref
		}
		return len(found) == handful
	}
	err := patiently(ctx, func() error {
		return scan(ctx, c.metadata.Resource(resource.GroupVersionResource).Namespace(namespace), visit)
	})
	// The definition of the kind, and its objects with it, may have gone since.
	if err != nil && !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("list %s: %w", resource.GroupResource(), err)
	}
	return slices.Collect(maps.Values(found)), nil
}

// isGiven reports whether Kubernetes has put the object into the namespace.
func isGiven(ref corev1.ObjectReference, annotations map[string]string) bool {
	switch ref.APIVersion + " " + ref.Kind {
	case "v1 ServiceAccount":
		return ref.Name == "default"
	case "v1 ConfigMap":
		return ref.Name == "kube-root-ca.crt"
	case "v1 Secret":
		return annotations[corev1.ServiceAccountNameKey] == "default"
	}
	return false
}
