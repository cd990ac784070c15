package lifecycle

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"strconv"

	"k8s.io/apimachinery/pkg/runtime/schema"

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

	managedBy = "sherpack"
)

// Scopes says for each kind of a plan whether its objects live in a namespace.
type Scopes map[schema.GroupKind]bool

// owner marks objects as those of one release.
type owner struct{ name, namespace string }

func ownerOf(r *release.Release) owner { return owner{r.Name, r.Namespace} }

// mark puts the marks on an object.
func (o owner) mark(object manifest.Object, phase hook.Phase) {
	labels := maps.Clone(object.GetLabels())
	if labels == nil {
		labels = map[string]string{}
	}
	labels[LabelManagedBy], labels[LabelRelease] = managedBy, o.name
	object.SetLabels(labels)
	annotations := maps.Clone(object.GetAnnotations())
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[AnnotationRelease], annotations[AnnotationNamespace] = o.name, o.namespace
	if phase != "" {
		annotations[AnnotationPhase] = string(phase)
	}
	object.SetAnnotations(annotations)
}

// markFields are the fields of the marks, as conflicts name them. Whoever else has set them, such as a policy, does not own an
// object that is the release's.
func markFields() []string {
	var fields []string
	for _, label := range []string{LabelManagedBy, LabelRelease} {
		fields = append(fields, ".metadata.labels."+label)
	}
	for _, annotation := range []string{AnnotationRelease, AnnotationNamespace, AnnotationPhase, AnnotationRun, AnnotationHash} {
		fields = append(fields, ".metadata.annotations."+annotation)
	}
	return fields
}

// selector selects all objects of the release in a namespace.
func (o owner) selector() string { return LabelRelease + "=" + o.name }

// place gives an object the namespace it will have on the cluster.
func place(object manifest.Object, scopes Scopes, namespace string) error {
	namespaced, known := scopes[object.GroupKind()]
	switch {
	case !known:
		return &InputError{Object: object, Message: fmt.Sprintf("the server has no kind %s in %s", object.GetKind(), object.GetAPIVersion())}
	case !namespaced:
		object.SetNamespace("")
	case object.GetNamespace() == "":
		object.SetNamespace(namespace)
	}
	return nil
}

// name chooses the name of a hook that only says generateName. The same hook of the same revision gets the same name,
// so that it can be found again. taken are the names chosen so far in the phase.
func name(object manifest.Object, r *release.Release, phase hook.Phase, taken map[string]bool) {
	if object.GetName() != "" {
		return
	}
	seed := r.Name + "\x00" + strconv.Itoa(r.Spec.Revision) + "\x00" + string(phase)
	for {
		sum := sha256.Sum256([]byte(seed))
		chosen := object.GetGenerateName() + hex.EncodeToString(sum[:])[:5]
		if !taken[chosen] {
			taken[chosen] = true
			object.SetName(chosen)
			object.SetGenerateName("")
			return
		}
		seed += "\x00"
	}
}
