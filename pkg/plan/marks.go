package plan

import (
	"fmt"
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// The marks that every object of a release carries, so that its owner can be told.
const (
	LabelManagedBy      = "app.kubernetes.io/managed-by"
	LabelRelease        = "sherpack.io/release"
	AnnotationRelease   = "sherpack.io/release-name"
	AnnotationNamespace = "sherpack.io/release-namespace"
	// These are on the objects of hooks only: their phase, the run that made them, and the hash of what it made them of.
	AnnotationPhase = "sherpack.io/phase"
	AnnotationRun   = "sherpack.io/run"
	AnnotationHash  = "sherpack.io/hash"

	ManagedBy = "sherpack"
)

// Owner marks objects as those of one release.
type Owner struct{ Name, Namespace string }

// OwnerOf returns the owner of what a release has.
func OwnerOf(r *release.Release) Owner { return Owner{r.Name, r.Namespace} }

// mark puts the marks on an object.
func (o Owner) mark(object manifest.Object, phase hook.Phase) {
	labels := maps.Clone(object.GetLabels())
	if labels == nil {
		labels = map[string]string{}
	}
	labels[LabelManagedBy], labels[LabelRelease] = ManagedBy, o.Name
	object.SetLabels(labels)
	annotations := maps.Clone(object.GetAnnotations())
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[AnnotationRelease], annotations[AnnotationNamespace] = o.Name, o.Namespace
	if phase != "" {
		annotations[AnnotationPhase] = string(phase)
	}
	object.SetAnnotations(annotations)
}

// MarkFields are the fields of the marks, as conflicts name them. Whoever else has set them, such as a policy, does not own an
// object that is the release's.
func MarkFields() []string {
	var fields []string
	for _, label := range []string{LabelManagedBy, LabelRelease} {
		fields = append(fields, ".metadata.labels."+label)
	}
	for _, annotation := range []string{AnnotationRelease, AnnotationNamespace, AnnotationPhase, AnnotationRun, AnnotationHash} {
		fields = append(fields, ".metadata.annotations."+annotation)
	}
	return fields
}

// Selector selects all objects of the release in a namespace.
func (o Owner) Selector() string { return LabelRelease + "=" + o.Name }

// String names the release, as ownerPhrase does.
func (o Owner) String() string { return fmt.Sprintf("release %s/%s", o.Namespace, o.Name) }

// Named reports whether the annotations of an object name the release.
func (o Owner) Named(found metav1.Object) bool {
	annotations := found.GetAnnotations()
	return annotations[AnnotationRelease] == o.Name && annotations[AnnotationNamespace] == o.Namespace
}

// Owns reports whether an object on the cluster carries the marks of this release. One of the labels may be missing or have
// another value, because policies set labels, too.
func (o Owner) Owns(found metav1.Object) bool {
	return o.Marks(found.GetLabels(), found.GetAnnotations())
}

// Marks reports whether labels and annotations are the marks of this release.
func (o Owner) Marks(labels, annotations map[string]string) bool {
	if annotations[AnnotationRelease] != o.Name || annotations[AnnotationNamespace] != o.Namespace {
		return false
	}
	return labels[LabelManagedBy] == ManagedBy || labels[LabelRelease] == o.Name && annotations[AnnotationHelmRelease] == ""
}

// Helm's marks on the objects of its releases.
const (
	AnnotationHelmRelease   = "meta.helm.sh/release-name"
	AnnotationHelmNamespace = "meta.helm.sh/release-namespace"
)
