package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

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
	head, err := s.client.head(ctx, namespace, name)
	for err == nil {
		var found *release.Release
		if found, err = s.read(ctx, head); err != nil {
			return nil, err
		}
		if found.Record.Damage.Err() == nil {
			return found, nil
		}
		before := head.UID
		if head, err = s.client.head(ctx, namespace, name); err == nil && head.UID == before {
			return found, nil
		}
	}
	return nil, err
}

// read reads a revision as far as it can be read.
func (s *Secrets) read(ctx context.Context, head *corev1.Secret) (*release.Release, error) {
	if err := checkFormat(&head.ObjectMeta); errors.Is(err, ErrNewerFormat) {
		return nil, err
	}
	parts, err := s.client.parts(ctx, head)
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

// decodeContent reads the content of a revision from its parts.
func decodeContent(head *corev1.Secret, parts map[string]*corev1.Secret, into *release.Release) error {
	count, err := countParts(head, payloadKind)
	if err != nil {
		return err
	}
	var compressed []byte
	for number := range count {
		part, err := partOf(head, parts, partName(into, into.Record.Run, payloadKind, number))
		if err != nil {
			return err
		}
		compressed = append(compressed, part.Data[partKey]...)
	}
	if digest(compressed) != head.Annotations[annotationPayloadDigest] {
		return fmt.Errorf("secret %s/%s: %w: the checksum of its payload is wrong", head.Namespace, head.Name, ErrDamaged)
	}
	if err := decompress(compressed, maxPayload, &into.Content); err != nil {
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
