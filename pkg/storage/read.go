package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Get returns a revision whole. The error is ErrNotFound, ErrDamaged or ErrNewerFormat where these apply.
func (s *Secrets) Get(ctx context.Context, namespace, name string, revision int) (*release.Release, error) {
	found, err := s.Salvage(ctx, namespace, name, revision)
	if err != nil {
		return nil, err
	}
	if err := found.Record.Damage.Err(); err != nil {
		return nil, reading(namespace, name, revision, err)
	}
	return found, nil
}

// Salvage returns what can be read of a revision; its Record.Damage says what cannot. The error is ErrNotFound or
// ErrNewerFormat where these apply, never ErrDamaged.
func (s *Secrets) Salvage(ctx context.Context, namespace, name string, revision int) (*release.Release, error) {
	found, err := s.salvage(ctx, namespace, headName(name, revision))
	if err != nil {
		return nil, reading(namespace, name, revision, err)
	}
	return found, nil
}

func reading(namespace, name string, revision int, err error) error {
	return fmt.Errorf("reading release %s/%s revision %d: %w", namespace, name, revision, err)
}

// salvage looks again before it says that something is damaged: the revision may just have been dropped, its head first.
func (s *Secrets) salvage(ctx context.Context, namespace, name string) (*release.Release, error) {
	head, err := s.head(ctx, namespace, name)
	for err == nil {
		var found *release.Release
		if found, err = s.read(ctx, head); err != nil {
			return nil, err
		}
		if found.Record.Damage.Err() == nil {
			return found, nil
		}
		before := head.UID
		if head, err = s.head(ctx, namespace, name); err == nil && head.UID == before {
			return found, nil
		}
	}
	return nil, err
}

func (s *Secrets) head(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	head, err := s.secrets.Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, ErrNotFound
	}
	return head, err
}

// read reads a revision as far as it can be read.
func (s *Secrets) read(ctx context.Context, head *corev1.Secret) (*release.Release, error) {
	if err := checkFormat(&head.ObjectMeta); errors.Is(err, ErrNewerFormat) {
		return nil, err
	}
	parts, err := s.parts(ctx, head)
	if err != nil {
		return nil, err
	}
	return decode(head, parts)
}

// decode reads a revision from a head and the parts that there are, keyed by name, as far as it can be read. The error is
// ErrNewerFormat.
func decode(head *corev1.Secret, parts map[string]*corev1.Secret) (*release.Release, error) {
	found, err := decodeHead(&head.ObjectMeta)
	if err != nil {
		return nil, err
	}
	readStatus(head, found)
	if found.Record.Run = head.Labels[labelRun]; found.Record.Run == "" {
		found.Record.Run = runOf(head, parts)
		found.Record.Damage.Head = cmp.Or(found.Record.Damage.Head,
			fmt.Errorf("secret %s/%s: %w: it has no label %q", head.Namespace, head.Name, ErrDamaged, labelRun))
	}
	if err := decodeContent(head, parts, found); err != nil {
		found.Content, found.Record.Damage.Content = release.Content{}, err
	}
	readInventory(head, parts, found)
	for _, err := range []error{found.Record.Damage.Content, found.Record.Damage.Inventory, decodeFormer(parts, found)} {
		if errors.Is(err, ErrNewerFormat) {
			return nil, err
		}
	}
	return found, nil
}

// runOf returns the run that all parts of a head are named after; empty where they are of several.
func runOf(head *corev1.Secret, parts map[string]*corev1.Secret) (run string) {
	for name := range parts {
		// The name is that of the head, the kind, the run and a number.
		words := strings.Split(strings.TrimPrefix(name, head.Name+"."), "-")
		if len(words) != 3 || run != "" && words[1] != run {
			return ""
		}
		run = words[1]
	}
	return run
}

// readStatus reads the status of a head into a release that has what lists show, and keeps that where it cannot. A label
// that is lost, or says nothing that is known, does not count.
func readStatus(head *corev1.Secret, into *release.Release) {
	listed := into.Status
	if err := decodeStatus(head, into); err != nil {
		into.Status, into.Record.Damage.Status = listed, err
		return
	}
	if listed.Phase != "" && into.Status.Phase != listed.Phase && into.Status.FinishedAt != nil {
		// A revision is superseded by its label alone.
		into.Status.Phase = listed.Phase
		into.SetCondition(*into.Status.FinishedAt)
	}
}

// parts reads the parts of a revision in one request, keyed by name. Where the head does not say which run wrote them, those
// of all runs count.
func (s *Secrets) parts(ctx context.Context, head *corev1.Secret) (map[string]*corev1.Secret, error) {
	name, revision := parseHeadName(head.Name)
	which := revisionLabels(name, revision)
	if run := head.Labels[labelRun]; run != "" {
		which[labelRun] = run
	}
	selector := labels.SelectorFromSet(which).Add(has(labelPart)...)
	found, err := s.secrets.Secrets(head.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return nil, err
	}
	parts := make(map[string]*corev1.Secret, len(found.Items))
	for i := range found.Items {
		parts[found.Items[i].Name] = &found.Items[i]
	}
	return parts, nil
}

// decodeContent reads the content of a revision from its parts.
func decodeContent(head *corev1.Secret, parts map[string]*corev1.Secret, into *release.Release) error {
	count, err := countParts(head, payloadKind)
	if err != nil {
		return err
	}
	var packed []byte
	for number := range count {
		part, err := partOf(head, parts, partName(into, into.Record.Run, payloadKind, number))
		if err != nil {
			return err
		}
		packed = append(packed, part.Data[partKey]...)
	}
	if digest(packed) != head.Annotations[annotationPayloadDigest] {
		return fmt.Errorf("secret %s/%s: %w: the checksum of its payload is wrong", head.Namespace, head.Name, ErrDamaged)
	}
	if err := unpack(packed, maxPayload, &into.Content); err != nil {
		return fmt.Errorf("secret %s/%s: its payload: %w", head.Namespace, head.Name, err)
	}
	return nil
}

// countParts returns how many parts of a kind a head says there are.
func countParts(head *corev1.Secret, kind string) (int, error) {
	annotation := map[string]string{payloadKind: annotationPayloadParts, inventoryKind: annotationInventoryParts}[kind]
	count, err := strconv.Atoi(head.Annotations[annotation])
	if err != nil || count < 1 {
		return 0, fmt.Errorf("secret %s/%s: %w: it does not say how many parts its %s has", head.Namespace, head.Name, ErrDamaged, kind)
	}
	return count, nil
}

// partOf returns the part of a name.
func partOf(head *corev1.Secret, parts map[string]*corev1.Secret, name string) (*corev1.Secret, error) {
	part, found := parts[name]
	if !found {
		return nil, fmt.Errorf("%w: secret %s/%s is missing", ErrDamaged, head.Namespace, name)
	}
	return part, checkFormat(&part.ObjectMeta)
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
	if err := unpack(part.Data[partKey], maxInventory, &entries); err != nil {
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
