package storage

import (
	"context"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// strays returns the names of parts that other runs have stored of a revision, in no order. Where this run records the revision,
// no head belongs to them: those runs were killed, or lost the connection, before they could write one or take their parts
// away. What cannot be listed now goes when the revision is forgotten, like all that bears its number.
func (s *Secrets) strays(ctx context.Context, r *release.Release) []string {
	selector := labels.SelectorFromSet(revisionLabels(r.Name, r.Spec.Revision)).Add(has(labelPart)...)
	found, err := s.list(ctx, r.Namespace, selector)
	if err != nil {
		return nil
	}
	others := slices.DeleteFunc(found, func(part metav1.PartialObjectMetadata) bool { return part.Labels[labelRun] == s.run })
	_, parts := split(others, ofRevision(r.Name, r.Spec.Revision))
	return parts
}
