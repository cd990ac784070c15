package plan

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

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

// mark puts the marks on an object. What says who manages it stays where selectors ask for it.
func (o Owner) mark(object manifest.Object, phase hook.Phase, asked selectors) {
	labels := maps.Clone(object.GetLabels())
	if labels == nil {
		labels = map[string]string{}
	}
	if !asked.selects(object) {
		labels[LabelManagedBy] = ManagedBy
	}
	labels[LabelRelease] = o.Name
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

// String names the release, as Holder does.
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

// TakenFrom reports whether an object that is on the inventory names another release as its owner.
func (o Owner) TakenFrom(found metav1.Object, entry release.Entry) bool {
	annotations := found.GetAnnotations()
	name, namespace := annotations[AnnotationRelease], annotations[AnnotationNamespace]
	if name != "" && (name != o.Name || namespace != "" && namespace != o.Namespace) {
		return true
	}
	switch helm := HelmRelease(annotations); {
	case helm == "":
		return false
	case entry.Metadata == nil:
		// Nothing is known of what it said when it was applied: it may have belonged to Helm before.
		return found.GetLabels()[LabelManagedBy] != ManagedBy
	default:
		return helm != entry.Metadata.Helm
	}
}

// HelmRelease is the release of Helm that annotations name, as namespace/name; empty where they name none.
func HelmRelease(annotations map[string]string) string {
	if annotations[AnnotationHelmRelease] == "" {
		return ""
	}
	return annotations[AnnotationHelmNamespace] + "/" + annotations[AnnotationHelmRelease]
}

// HelmOwner is how Holder begins what it says of a release of Helm's.
const HelmOwner = "Helm release "

// NoOwner is who an object belongs to that nobody has marked.
const NoOwner = "no release"

// Holder says who an object belongs to that is not this release's.
func (o Owner) Holder(found metav1.Object) string {
	annotations, label := found.GetAnnotations(), found.GetLabels()[LabelManagedBy]
	other := Owner{Name: annotations[AnnotationRelease], Namespace: annotations[AnnotationNamespace]}
	switch {
	case other.Name != "" && other != o:
		return "release " + quoted(other.Namespace) + "/" + quoted(other.Name)
	case annotations[AnnotationHelmRelease] != "":
		return HelmOwner + quoted(annotations[AnnotationHelmNamespace]) + "/" + quoted(annotations[AnnotationHelmRelease])
	case label != "":
		return strconv.Quote(label)
	}
	return NoOwner
}

// HolderPhrase says who an object belongs to that is not this release's, and what labels and annotations say so.
func (o Owner) HolderPhrase(found metav1.Object) string {
	var signs []string
	add := func(kind string, values map[string]string, keys ...string) {
		for _, key := range keys {
			if value, there := values[key]; there {
				signs = append(signs, fmt.Sprintf("its %s %s=%s", kind, key, quoted(value)))
			}
		}
	}
	add("label", found.GetLabels(), LabelManagedBy, LabelRelease)
	add("annotation", found.GetAnnotations(), AnnotationRelease, AnnotationNamespace, AnnotationHelmRelease, AnnotationHelmNamespace)
	if len(signs) == 0 {
		return o.Holder(found)
	}
	return o.Holder(found) + " (" + strings.Join(signs, ", ") + ")"
}

// quoted is a value from the cluster as it stands in a message: short, on one line, and in quotes unless it is a plain word.
func quoted(value string) string {
	const long = 64
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._", r)
	}
	if len(value) > long {
		return strconv.QuoteToASCII(value[:long]) + "…"
	}
	if value == "" || strings.IndexFunc(value, func(r rune) bool { return !plain(r) }) >= 0 {
		return strconv.QuoteToASCII(value)
	}
	return value
}
