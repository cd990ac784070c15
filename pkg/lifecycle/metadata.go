package lifecycle

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

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

// isAsAnswered reports whether an object still carries what the answer to its last apply did. What nobody has recorded
// counts as such where it carries the marks of its release.
func (x *execution) isAsAnswered(object manifest.Object, record *release.Metadata, found metadata) bool {
	if record == nil {
		return ownerOf(x.release).Marks(found.labels, found.annotations)
	}
	return found.hash(object, record) == record.Hash
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
