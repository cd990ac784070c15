package storage

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"

	"github.com/klauspost/compress/zstd"
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
	// maxPayload and maxInventory bound what a payload, and one part of an inventory, may unpack to, in bytes, so that an
	// edited record cannot fill the memory.
	maxPayload   = 512 << 20
	maxInventory = 4 << 20
	// window is how far back compression looks, in bytes: as much is allocated before anything was unpacked.
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
func (s *Secrets) encodeParts(r *release.Release) ([]*corev1.Secret, layout, error) {
	content, err := json.Marshal(r.Content)
	if err != nil {
		return nil, layout{}, err
	}
	packed, err := pack(content)
	if err != nil {
		return nil, layout{}, err
	}
	var parts []*corev1.Secret
	for chunk := range slices.Chunk(packed, maxPart) {
		part := s.part(r, payloadKind, len(parts), chunk)
		part.Type, part.Immutable = payloadType, ptr.To(true)
		parts = append(parts, part)
	}
	counts := layout{payload: len(parts), digest: digest(packed)}
	inventory, err := s.encodeInventory(r)
	if err != nil {
		return nil, layout{}, err
	}
	counts.inventory = len(inventory)
	former, err := s.encodeFormer(r, r.Former, 0)
	if err != nil {
		return nil, layout{}, err
	}
	counts.former = len(former)
	return slices.Concat(parts, inventory, former), counts, nil
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func (s *Secrets) part(r *release.Release, kind string, number int, content []byte) *corev1.Secret {
	run := cmp.Or(r.Record.Run, s.run)
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: partName(r, run, kind, number), Namespace: r.Namespace, Labels: partLabels(r, run, kind, number),
			Annotations: map[string]string{annotationFormat: strconv.Itoa(release.FormatVersion)},
		},
		Data: map[string][]byte{partKey: content},
	}
}

// encodeInventory returns the inventory as parts that can each be read alone. There is at least one.
func (s *Secrets) encodeInventory(r *release.Release) ([]*corev1.Secret, error) {
	chunks := slices.Collect(slices.Chunk(r.Inventory, entriesPerPart))
	// Entries never outgrow the parts they were created with, but may become fewer: what is left over is emptied.
	for len(chunks) < max(1, len(r.Record.Inventory)) {
		chunks = append(chunks, []release.Entry{})
	}
	parts := make([]*corev1.Secret, len(chunks))
	for i, chunk := range chunks {
		content, err := json.Marshal(bounded(chunk))
		if err != nil {
			return nil, err
		}
		packed, err := pack(content)
		if err != nil {
			return nil, err
		}
		parts[i] = s.part(r, inventoryKind, i, packed)
		parts[i].Type = inventoryType
		parts[i].Annotations[annotationWriter] = s.run
	}
	return parts, nil
}

// bounded returns entries as they are stored: what is on record of an object's metadata is omitted where it is too long.
// What others change of that is then not noticed.
func bounded(entries []release.Entry) []release.Entry {
	stored := slices.Clone(entries)
	for i, entry := range stored {
		if entry.Metadata == nil {
			continue
		}
		size := len(entry.Metadata.Helm)
		for _, key := range slices.Concat(entry.Metadata.Labels, entry.Metadata.Annotations) {
			size += len(key) + len(`"",`)
		}
		if size > maxMetadata {
			stored[i].Metadata = nil
		}
	}
	return stored
}

func (s *Secrets) partPatch(part *corev1.Secret) ([]byte, error) {
	return json.Marshal(map[string]any{"data": part.Data, "metadata": map[string]any{
		"resourceVersion": part.ResourceVersion, "annotations": map[string]string{annotationWriter: s.run},
	}})
}

func versions(parts []*corev1.Secret) []string {
	found := make([]string, len(parts))
	for i, part := range parts {
		found[i] = part.ResourceVersion
	}
	return found
}

// encoder compresses whole contents, for any number of callers. A new one takes a hundred times as long as a small content.
//
//nolint:gochecknoglobals // Its tables are for the whole process.
var encoder = sync.OnceValues(func() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window))
})

func pack(content []byte) ([]byte, error) {
	shared, err := encoder()
	if err != nil {
		return nil, err
	}
	return shared.EncodeAll(content, nil), nil
}

// unpack reads what pack has packed. It takes no more memory than the content needs, whatever the content says of its size.
func unpack(packed []byte, limit int, into any) error {
	decoder, err := zstd.NewReader(bytes.NewReader(packed),
		zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window), zstd.WithDecoderLowmem(true))
	if err != nil {
		return fmt.Errorf("%w: unpacking it: %w", ErrDamaged, err)
	}
	defer decoder.Close()
	content, err := io.ReadAll(io.LimitReader(decoder, int64(limit)+1))
	if err != nil {
		return fmt.Errorf("%w: unpacking it: %w", ErrDamaged, err)
	}
	if len(content) > limit {
		return fmt.Errorf("%w: it unpacks to more than %d MiB", ErrDamaged, limit>>20)
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("%w: reading it: %w", ErrDamaged, err)
	}
	return nil
}
