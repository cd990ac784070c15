package storage

import (
	"cmp"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

const (
	payloadKind   = "payload"
	inventoryKind = "inventory"
	formerKind    = "former"

	// maxPart is the most one part holds, in bytes: well below the 1 MiB that the API server allows a Secret.
	maxPart = 700 << 10
	// maxPayload and maxInventory bound what a payload, and one part of an inventory, may decompress to, in bytes, so that an
	// edited record cannot fill the memory.
	maxPayload   = 512 << 20
	maxInventory = 4 << 20
	// window is how far back compression looks, in bytes: as much is allocated before anything was decompressed.
	window = 8 << 20
	// entriesPerPart keeps an inventory part below maxPart even when nothing in it can be compressed. It is a number because
	// entries grow after they were recorded: one that moved to a later part would be in none for a moment.
	entriesPerPart = 500
	// maxEntries is how many entries of a part are read: many more than are written, in case a later version writes more.
	maxEntries = 10 * entriesPerPart
	// maxMetadata bounds for that what an entry says of the metadata that others may have added to its object, in bytes.
	maxMetadata = 768
)

// encodeParts returns all parts of a new revision.
func encodeParts(r *release.Release, run string) ([]*corev1.Secret, layout, error) {
	content, err := json.Marshal(r.Content)
	if err != nil {
		return nil, layout{}, err
	}
	compressed, err := compress(content)
	if err != nil {
		return nil, layout{}, err
	}
	var parts []*corev1.Secret
	for chunk := range slices.Chunk(compressed, maxPart) {
		part := newPart(r, run, payloadKind, len(parts), chunk)
		part.Type, part.Immutable = payloadType, ptr.To(true)
		parts = append(parts, part)
	}
	counts := layout{payload: len(parts), digest: digest(compressed)}
	inventory, err := encodeInventory(r, run)
	if err != nil {
		return nil, layout{}, err
	}
	counts.inventory = len(inventory)
	former, err := encodeFormer(r, r.Former, 0, run)
	if err != nil {
		return nil, layout{}, err
	}
	counts.former = len(former)
	return slices.Concat(parts, inventory, former), counts, nil
}

// newPart returns a part as this run writes it: beside the parts of the run that has recorded the revision, if that was another.
func newPart(r *release.Release, run, kind string, number int, content []byte) *corev1.Secret {
	run = cmp.Or(r.Record.Run, run)
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: partName(r, run, kind, number), Namespace: r.Namespace, Labels: partLabels(r, run, kind, number),
			Annotations: map[string]string{annotationFormat: strconv.Itoa(release.FormatVersion)},
		},
		Data: map[string][]byte{partKey: content},
	}
}

func versions(parts []*corev1.Secret) []string {
	found := make([]string, len(parts))
	for i, part := range parts {
		found[i] = part.ResourceVersion
	}
	return found
}
