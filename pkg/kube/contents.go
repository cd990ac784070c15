package kube

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/field"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
	"github.com/sherpack-io/kubectl-sherpack/pkg/patience"
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
		return nil, fmt.Errorf("looking into: %w", err)
	}
	ctx = quiet(ctx)
	if apierrors.IsNotFound(c.api.rest.Get().AbsPath("/api/v1/namespaces", namespace).Do(ctx).Error()) {
		return nil, nil
	}
	resources, err := c.api.holding(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the contents of Namespace/%s: %w", namespace, err)
	}
	found, failures := make([][]corev1.ObjectReference, len(resources)), make([]error, len(resources))
	err = each(ctx, len(resources), atOnce, func(i int) error {
		found[i], failures[i] = c.api.contentsOf(ctx, resources[i], namespace)
		return nil
	})
	if err = cmp.Or(err, firstOf(failures)); err != nil {
		return nil, fmt.Errorf("listing the contents of Namespace/%s: %w", namespace, err)
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
func (c *connection) holding(ctx context.Context) ([]resource, error) {
	lists, err := discovery.NewDiscoveryClient(c.rest).ServerPreferredNamespacedResourcesWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("discovering what the server serves: %w", err)
	}
	var resources []resource
	for _, list := range discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"list", "delete"}}, lists) {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, fmt.Errorf("discovering what the server serves: %w", err)
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

func (c *connection) contentsOf(ctx context.Context, resource resource, namespace string) ([]corev1.ObjectReference, error) {
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
		return nil, fmt.Errorf("listing %s: %w", resource.GroupResource(), err)
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

// Labelled returns the metadata of all objects that a label selector selects,
// of every kind that can be listed and deleted: in all namespaces and of the
// cluster where that may be listed, else in the namespace, sorted by kind. Left
// out are objects with an owner, those that are being deleted, and what only
// tells of other objects. Kinds that cannot be listed are skipped, too, so that
// there may be more.
func (c *Cluster) Labelled(ctx context.Context, namespace, selector string) ([]*metav1.PartialObjectMetadata, error) {
	ctx = quiet(ctx)
	lists, err := discovery.NewDiscoveryClient(c.api.rest).ServerPreferredResourcesWithContext(ctx)
	if len(lists) == 0 && err != nil {
		return nil, err
	}
	served := deletable(lists)
	found := make([][]*metav1.PartialObjectMetadata, len(served))
	err = each(ctx, len(served), atOnce, func(i int) error {
		found[i] = c.api.labelledOf(ctx, served[i], namespace, selector)
		return nil
	})
	all := slices.Concat(found...)
	slices.SortStableFunc(all, func(a, b *metav1.PartialObjectMetadata) int { return strings.Compare(a.Kind, b.Kind) })
	return all, err
}

// deletableKind is a kind whose objects can be listed and deleted.
type deletableKind struct {
	schema.GroupVersionResource
	kind       string
	namespaced bool
}

func deletable(lists []*metav1.APIResourceList) []deletableKind {
	var found []deletableKind
	for _, list := range discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"list", "delete"}}, lists) {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue
		}
		for _, served := range list.APIResources {
			if at := version.WithResource(served.Name); !tellsOfOthers(at.GroupResource()) {
				found = append(found, deletableKind{at, served.Kind, served.Namespaced})
			}
		}
	}
	return found
}

func (c *connection) labelledOf(ctx context.Context, of deletableKind, namespace, selector string) []*metav1.PartialObjectMetadata {
	list := func(namespace string) (*metav1.PartialObjectMetadataList, error) {
		return c.metadata.Resource(of.GroupVersionResource).Namespace(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	}
	answer, err := list("")
	if apierrors.IsForbidden(err) && of.namespaced {
		answer, err = list(namespace)
	}
	if err != nil {
		return nil
	}
	var found []*metav1.PartialObjectMetadata
	for i := range answer.Items {
		item := &answer.Items[i]
		item.SetGroupVersionKind(of.GroupVersion().WithKind(of.kind))
		if item.DeletionTimestamp == nil && len(item.OwnerReferences) == 0 {
			found = append(found, item)
		}
	}
	return found
}

// CustomResources counts the custom resources, in all namespaces, of the kinds
// that CustomResourceDefinitions define: one entry for the name of each of
// definitions, of which only the names are looked at. They would be lost with
// the definition. A definition that does not exist, or was never established,
// has 0. That they may not be listed, or are not served, is an error.
func (c *Cluster) CustomResources(ctx context.Context, definitions []corev1.ObjectReference) (map[string]int, error) {
	ctx = quiet(ctx)
	counts := make([]int, len(definitions))
	err := each(ctx, len(definitions), atOnce, func(i int) error {
		var err error
		if counts[i], err = c.api.countResources(ctx, definitions[i].Name); err != nil {
			return fmt.Errorf("counting the objects of CustomResourceDefinition/%s: %w", definitions[i].Name, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	byName := make(map[string]int, len(definitions))
	for i, definition := range definitions {
		byName[definition.Name] = counts[i]
	}
	return byName, nil
}

func (c *connection) countResources(ctx context.Context, definition string) (count int, err error) {
	err = patiently(ctx, func() error {
		found, err := c.lookup(ctx, corev1.ObjectReference{
			APIVersion: "apiextensions.k8s.io/v1", Kind: "CustomResourceDefinition", Name: definition,
		})
		if err == nil {
			count, err = c.countDefined(ctx, &unstructured.Unstructured{Object: found})
			return err
		}
		if apierrors.IsNotFound(err) {
			return nil
		}
		return err
	})
	return count, err
}

// countDefined counts what there is of a definition's kind. What cannot be
// found although the definition is established is an error.
func (c *connection) countDefined(ctx context.Context, definition *unstructured.Unstructured) (int, error) {
	if _, established := health.Holds(definition, "Established"); !established {
		return 0, nil
	}
	resource, err := definedResource(definition)
	if err != nil {
		return 0, err
	}
	seen := map[types.UID]bool{}
	err = scan(ctx, c.metadata.Resource(resource), func(item *metav1.PartialObjectMetadata) (enough bool) {
		seen[item.UID] = true
		return false
	})
	return len(seen), err
}

// definedResource is where the objects are served: in the version they are
// stored in if that is served, because it needs the least conversion.
func definedResource(definition *unstructured.Unstructured) (schema.GroupVersionResource, error) {
	resource := schema.GroupVersionResource{
		Group:    field.Text(definition, "spec", "group"),
		Resource: field.Text(definition, "spec", "names", "plural"),
	}
	versions, _, err := unstructured.NestedSlice(definition.Object, "spec", "versions")
	if err != nil {
		return resource, err
	}
	for _, entry := range versions {
		content, _ := entry.(map[string]any)
		version := &unstructured.Unstructured{Object: content}
		if field.IsTrue(version, "served") && (resource.Version == "" || field.IsTrue(version, "storage")) {
			resource.Version = field.Text(version, "name")
		}
	}
	if resource.Version == "" {
		return resource, errors.New("none of its versions is served")
	}
	return resource, nil
}

// pageSize bounds what one answer of a list holds.
const pageSize = 500

// scan shows the metadata of all objects to visit, page by page, until visit
// says that it has seen enough. A list that expires between two pages is begun
// again, so visit may see an object twice; what it keeps it must copy.
func scan(ctx context.Context, objects metadata.ResourceInterface, visit func(*metav1.PartialObjectMetadata) (enough bool)) error {
	options := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := objects.List(ctx, options)
		if apierrors.IsResourceExpired(err) && options.Continue != "" {
			options.Continue = ""
			continue
		}
		if err != nil {
			return err
		}
		for i := range page.Items {
			if visit(&page.Items[i]) {
				return nil
			}
		}
		if options.Continue = page.Continue; options.Continue == "" {
			return nil
		}
	}
}

// patiently asks again, for a second or two, what is not found: a server needs
// a moment to serve, or to stop to announce, what a definition has changed.
func patiently(ctx context.Context, ask func() error) error {
	backoff := wait.Backoff{Duration: 50 * time.Millisecond, Factor: 1.5, Steps: 7}
	for {
		err := ask()
		if !apierrors.IsNotFound(err) || backoff.Steps == 0 {
			return err
		}
		if err := patience.Pause(ctx, backoff.Step()); err != nil {
			return err
		}
	}
}
