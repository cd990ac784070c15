package kube

import (
	"context"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// Labelled returns the metadata of all objects that a label selector selects,
// of every kind that can be listed and deleted: in all namespaces and of the
// cluster where that may be listed, else in the namespace, sorted by kind. Left
// out are objects with an owner, those that are being deleted, and what only
// tells of other objects. Kinds that cannot be listed are left out, too, so that
// there may be more.
func (c *Cluster) Labelled(ctx context.Context, namespace, selector string) ([]*metav1.PartialObjectMetadata, error) {
	ctx = quiet(ctx)
	lists, err := discovery.NewDiscoveryClient(c.rest).ServerPreferredResourcesWithContext(ctx)
	if len(lists) == 0 && err != nil {
		return nil, err
	}
	kinds := deletable(lists)
	found := make([][]*metav1.PartialObjectMetadata, len(kinds))
	err = each(ctx, len(kinds), atOnce, func(i int) error {
		found[i] = c.labelledOf(ctx, kinds[i], namespace, selector)
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
	var kinds []deletableKind
	for _, list := range discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"list", "delete"}}, lists) {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue
		}
		for _, served := range list.APIResources {
			if at := version.WithResource(served.Name); !tellsOfOthers(at.GroupResource()) {
				kinds = append(kinds, deletableKind{at, served.Kind, served.Namespaced})
			}
		}
	}
	return kinds
}

func (c *Cluster) labelledOf(ctx context.Context, of deletableKind, namespace, selector string) []*metav1.PartialObjectMetadata {
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
