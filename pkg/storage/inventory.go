package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// UpdateInventory writes the inventory of a revision that was created by this run or read, on the condition that nobody
// else has written it since; else the error is ErrConflict. Parts are written in order: an entry that moved is in two parts
// for a moment, never in none. Parts that could not be read are recreated.
func (s *Secrets) UpdateInventory(ctx context.Context, r *release.Release) error {
	parts, err := encodeInventory(r, s.client.run)
	if err == nil {
		err = s.updateInventory(ctx, r, parts)
	}
	if err != nil {
		return fmt.Errorf("recording the inventory of release %s/%s revision %d: %w", r.Namespace, r.Name, r.Spec.Revision, notFound(err))
	}
	return nil
}

func (s *Secrets) updateInventory(ctx context.Context, r *release.Release, parts []*corev1.Secret) (err error) {
	damaged := r.Record.Damage.Inventory != nil
	if len(parts) > len(r.Record.Inventory) && !damaged {
		return fmt.Errorf("it has %d parts, the record has %d", len(parts), len(r.Record.Inventory))
	}
	for i, part := range parts {
		if i == len(r.Record.Inventory) {
			r.Record.Inventory = append(r.Record.Inventory, "")
		}
		write := s.client.patchPart
		if part.ResourceVersion = r.Record.Inventory[i]; part.ResourceVersion == "" {
			write = s.client.replacePart
		}
		if r.Record.Inventory[i], err = write(ctx, part); err != nil {
			return err
		}
	}
	if damaged {
		return s.leadTo(ctx, r, parts)
	}
	return nil
}

// leadTo has a head say how many parts its inventory has, and whose they are, after parts were recreated.
func (s *Secrets) leadTo(ctx context.Context, r *release.Release, parts []*corev1.Secret) error {
	run, count := parts[0].Labels[labelRun], strconv.Itoa(len(parts))
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"resourceVersion": r.ResourceVersion, "labels": map[string]string{labelRun: run},
		"annotations": map[string]string{annotationInventoryParts: count},
	}})
	if err != nil {
		return err
	}
	head, err := s.client.patch(ctx, r.Namespace, headName(r.Name, r.Spec.Revision), patch)
	if apierrors.IsConflict(err) {
		head, err = s.leadsTo(ctx, r, run, count)
	}
	if err == nil {
		r.ResourceVersion, r.Record.Run, r.Record.Damage.Inventory = head.ResourceVersion, run, nil
		s.newest.noteWritten(r)
	}
	return err
}

// leadsTo resolves a conflict: an earlier try whose answer was lost may have led the head to the parts. Whoever else writes a
// head writes its status.
func (s *Secrets) leadsTo(ctx context.Context, r *release.Release, run, count string) (*corev1.Secret, error) {
	head, err := s.client.secrets.Secrets(r.Namespace).Get(ctx, headName(r.Name, r.Spec.Revision), metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	found := &release.Release{}
	// One that cannot be read was not written by another command since it was read.
	if err := decodeStatus(head, found); err != nil && r.Record.Damage.Status == nil {
		return nil, err
	}
	leads := head.Labels[labelRun] == run && head.Annotations[annotationInventoryParts] == count
	if !leads || found.Status.Writer != r.Status.Writer || found.Status.Seq > r.Status.Seq {
		return nil, ErrConflict
	}
	return head, nil
}

// patchPart writes a part on the condition that it has its version, and returns the new one. A write of this run whose answer
// was lost does not count as another'c.
func (c *client) patchPart(ctx context.Context, part *corev1.Secret) (version string, err error) {
	patch, err := partPatch(part, c.run)
	if err != nil {
		return part.ResourceVersion, err
	}
	changed, err := c.patch(ctx, part.Namespace, part.Name, patch)
	if err == nil {
		return changed.ResourceVersion, nil
	}
	if !apierrors.IsConflict(err) {
		return part.ResourceVersion, err
	}
	found, err := c.secrets.Secrets(part.Namespace).Get(ctx, part.Name, metav1.GetOptions{})
	switch {
	case err != nil:
		return part.ResourceVersion, err
	case found.Annotations[annotationWriter] != c.run || found.ResourceVersion == part.ResourceVersion:
		return part.ResourceVersion, ErrConflict
	}
	part.ResourceVersion = found.ResourceVersion
	return c.patchPart(ctx, part)
}

// replacePart writes a part whatever there is of it, and returns its version. What can be read of it is there until the new
// content is: only what cannot be changed, because somebody has made something else of it, is deleted before.
func (c *client) replacePart(ctx context.Context, part *corev1.Secret) (version string, err error) {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"labels": part.Labels, "annotations": part.Annotations}, "type": part.Type, "data": part.Data,
	})
	if err != nil {
		return "", err
	}
	changed, err := c.patch(ctx, part.Namespace, part.Name, patch)
	switch {
	case err == nil:
		return changed.ResourceVersion, nil
	case apierrors.IsInvalid(err):
		err = c.delete(ctx, part.Namespace, []string{part.Name})
	default:
		err = ignoreNotFound(err)
	}
	if err == nil {
		err = c.createPart(ctx, part)
	}
	return part.ResourceVersion, err
}

// encodeInventory returns the inventory as parts that can each be read alone. There is at least one.
func encodeInventory(r *release.Release, run string) ([]*corev1.Secret, error) {
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
		compressed, err := compress(content)
		if err != nil {
			return nil, err
		}
		parts[i] = newPart(r, run, inventoryKind, i, compressed)
		parts[i].Type = inventoryType
		parts[i].Annotations[annotationWriter] = run
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

func partPatch(part *corev1.Secret, run string) ([]byte, error) {
	return json.Marshal(map[string]any{"data": part.Data, "metadata": map[string]any{
		"resourceVersion": part.ResourceVersion, "annotations": map[string]string{annotationWriter: run},
	}})
}

// readInventory reads the entries of an inventory that can be read. An entry that is in two parts, because a write of them
// was interrupted, counts once, as the earlier and so newer part has it.
func readInventory(head *corev1.Secret, parts map[string]*corev1.Secret, into *release.Release) {
	reader := inventoryReader{head: head, parts: maps.Clone(parts), into: into, seen: map[string]bool{}}
	count, err := countParts(head, inventoryKind)
	reader.note(err)
	// No more are looked for than there can be.
	for number := range min(count, len(parts)+1) {
		name := partName(into, into.Record.Run, inventoryKind, number)
		part, err := partOf(head, parts, name)
		if err == nil {
			err = reader.add(part)
		}
		reader.note(err)
		version := ""
		if err == nil {
			version = part.ResourceVersion
		}
		into.Record.Inventory = append(into.Record.Inventory, version)
	}
	if into.Record.Damage.Inventory != nil {
		reader.addRest()
	}
}

// inventoryReader puts the entries of an inventory together.
type inventoryReader struct {
	head *corev1.Secret
	// parts are those that have not been read yet.
	parts map[string]*corev1.Secret
	into  *release.Release
	seen  map[string]bool
}

// note notes what cannot be read; what a newer version wrote counts most.
func (r *inventoryReader) note(err error) {
	damage := &r.into.Record.Damage.Inventory
	if err != nil && (*damage == nil || errors.Is(err, ErrNewerFormat)) {
		*damage = err
	}
}

// add adds the entries of a part that can be read. The error is the first thing that cannot.
func (r *inventoryReader) add(part *corev1.Secret) (failure error) {
	delete(r.parts, part.Name)
	entries := few[release.Entry]{most: maxEntries}
	if err := decompress(part.Data[partKey], maxInventory, &entries); err != nil {
		return fmt.Errorf("secret %s/%s: %w", part.Namespace, part.Name, err)
	}
	for _, entry := range entries.items {
		if err := entry.Check(); err != nil {
			if failure == nil {
				failure = fmt.Errorf("secret %s/%s: %w: an entry of its inventory %w", part.Namespace, part.Name, ErrDamaged, err)
			}
			continue
		}
		if key := entry.Group + "/" + entry.Kind + "/" + entry.Namespace + "/" + entry.Name; !r.seen[key] {
			r.seen[key] = true
			r.into.Inventory = append(r.into.Inventory, entry)
		}
	}
	return failure
}

// addRest adds what can be read in parts that the head does not lead to.
func (r *inventoryReader) addRest() {
	for _, name := range slices.Sorted(maps.Keys(r.parts)) {
		part := r.parts[name]
		if part.Type != inventoryType {
			continue
		}
		if err := checkFormat(&part.ObjectMeta); err != nil {
			r.note(err)
			continue
		}
		_ = r.add(part)
	}
}
