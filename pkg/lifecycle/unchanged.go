package lifecycle

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// isUnchanged reports whether applying an object would change nothing, or must not.
func (l *ledger) isUnchanged(object manifest.Object) bool {
	key := object.Key()
	i, known := l.index[key]
	if l.staysAsIs(object) {
		return true
	}
	if !known || !asApplied(object, l.release.Inventory[i], l.live[key]) {
		return false
	}
	return l.isAsAnswered(object, l.release.Inventory[i].Metadata, l.live[key].carried)
}

// staysAsIs reports whether an object is a custom resource definition that a rollback must not take back, or belongs to
// somebody else by now and is left to that by an undo.
func (l *ledger) staysAsIs(object manifest.Object) bool {
	found, live := l.live[object.Key()]
	if l.plan.IsUndo && found.foreign != "" {
		return true
	}
	return l.release.Spec.FromRevision != 0 && !l.plan.Options.DeleteCRDs && live && kinds.IsDefinition(object.GroupKind())
}

// asApplied reports whether an object is what was last applied and nobody has changed it since, but for its labels and
// annotations. A kind that counts generations may have another status meanwhile; any other kind must not have been written
// at all.
func asApplied(object manifest.Object, entry release.Entry, found live) bool {
	if entry.Hash == "" || entry.UID == "" || entry.UID != found.uid || found.foreign != "" {
		return false
	}
	if sum, err := object.Hash(); err != nil || sum != entry.Hash {
		return false
	}
	if entry.Generation != 0 {
		return entry.Generation == found.generation
	}
	return entry.ResourceVersion == found.resourceVersion
}

// isAsAnswered reports whether an object still carries what the answer to its last apply did. What nobody has recorded
// counts as such where it carries the marks of its release.
func (l *ledger) isAsAnswered(object manifest.Object, record *release.Metadata, found metadata) bool {
	if record == nil {
		return ownerOf(l.release).Marks(found.labels, found.annotations)
	}
	return found.hash(object, record) == record.Hash
}

// metadata is what an object on the cluster carries.
type metadata struct {
	labels, annotations map[string]string
	// stringData says of a Secret that it was applied with stringData.
	stringData bool
}

// asAnswered returns what to record of the labels and annotations in the answer to an apply: those that the object has,
// with the values of the answer, and those that the API server has added to it. before is what the object carried before
// the apply, and known what is on record of that; what stood there before and is not on record is somebody else's, such as a
// controller's, who may change it.
//
// It is the answer that counts, not what was sent, because webhooks may change that.
func asAnswered(object manifest.Object, answer kube.Applied, before metadata, known *release.Metadata) *release.Metadata {
	if known == nil {
		known = &release.Metadata{}
	}
	record := &release.Metadata{
		Labels:      added(answer.Labels, object.GetLabels(), before.labels, known.Labels),
		Annotations: added(answer.Annotations, object.GetAnnotations(), before.annotations, known.Annotations),
		Helm:        helmRelease(answer.Annotations),
	}
	record.Hash = metadata{labels: answer.Labels, annotations: answer.Annotations}.hash(object, record)
	return record
}

// added are the keys of an answer that were not sent, and were not there before unless they are known to be added.
func added(answer, sent, before map[string]string, known []string) []string {
	var keys []string
	for key := range answer {
		_, isSent := sent[key]
		_, wasThere := before[key]
		if !isSent && (!wasThere || slices.Contains(known, key)) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// hash is that of the values which an object has of the labels and annotations that were applied and that were added.
func (m metadata) hash(object manifest.Object, record *release.Metadata) string {
	var lines []string
	add := func(kind string, values, sent map[string]string, added []string) {
		keys := append(slices.Collect(maps.Keys(sent)), added...)
		slices.Sort(keys)
		for _, key := range slices.Compact(keys) {
			line := kind + " " + key
			if value, there := values[key]; there {
				line += fmt.Sprintf(" %q", value)
			}
			lines = append(lines, line)
		}
	}
	add("label", m.labels, object.GetLabels(), record.Labels)
	add("annotation", m.annotations, object.GetAnnotations(), record.Annotations)
	return manifest.Sum([]byte(strings.Join(lines, "\n")))
}
