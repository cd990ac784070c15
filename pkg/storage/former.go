package storage

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// maxFormer bounds the numbers of the parts that say what adopted objects were.
const maxFormer = 1 << 20

// maxAdopted is how many objects at once are read that were adopted.
const maxAdopted = 100_000

// AddFormer records beside a stored revision what some objects were, which must be done before they are adopted. Of an
// object that is recorded twice the later record counts.
func (s *Secrets) AddFormer(ctx context.Context, r *release.Release, former []release.Former) error {
	parts, err := encodeFormer(r, former, r.Record.Former, s.client.run)
	if err == nil {
		// Also where a part could not be written, its name is used up: it may be there.
		r.Record.Former += len(parts)
		err = s.client.createSideBySide(ctx, parts)
	}
	if err != nil {
		return fmt.Errorf("recording what release %s/%s adopts: %w", r.Namespace, r.Name, err)
	}
	return nil
}

// DropFormer removes what is recorded of what objects were before a release adopted them, for all its revisions. It is
// called where nothing is to be given back any more.
func (s *Secrets) DropFormer(ctx context.Context, namespace, name string) error {
	selector := labels.SelectorFromSet(labels.Set{labelOwner: owner, labelName: name}).Add(has(labelPart)...)
	found, err := s.client.list(ctx, namespace, selector)
	if err != nil {
		return fmt.Errorf("looking for what release %s/%s had adopted: %w", namespace, name, err)
	}
	var names []string
	for i := range found {
		if isFormer(found[i].Labels[labelPart]) && strings.HasPrefix(found[i].Name, headPrefix(name)) {
			names = append(names, found[i].Name)
		}
	}
	if err := s.client.delete(ctx, namespace, names); err != nil {
		return fmt.Errorf("removing the record of what release %s/%s had adopted: %w", namespace, name, err)
	}
	return nil
}

func isFormer(part string) bool { return strings.HasPrefix(part, formerKind+"-") }

// encodeFormer returns what objects were as parts that belong together; none where there are no objects. first is the
// number of the first, and run this run.
func encodeFormer(r *release.Release, former []release.Former, first int, run string) ([]*corev1.Secret, error) {
	if len(former) == 0 {
		return nil, nil
	}
	content, err := json.Marshal(former)
	if err != nil {
		return nil, err
	}
	compressed, err := compress(content)
	if err != nil {
		return nil, err
	}
	chunks := slices.Collect(slices.Chunk(compressed, maxPart))
	parts := make([]*corev1.Secret, len(chunks))
	for i, chunk := range chunks {
		parts[i] = newPart(r, run, formerKind, first+i, chunk)
		parts[i].Type, parts[i].Immutable = formerType, ptr.To(true)
		parts[i].Annotations[annotationWriter] = run
		parts[i].Annotations[annotationFirst] = strconv.Itoa(first)
		parts[i].Annotations[annotationCount] = strconv.Itoa(len(chunks))
	}
	return parts, nil
}

// decodeFormer reads what adopted objects were. Parts that are not all there are skipped: their writing was cut short, and
// then nothing of them was adopted. So are those that cannot be read, because an object of which nobody knows what it was
// can still be given back as it is.
func decodeFormer(parts map[string]*corev1.Secret, into *release.Release) error {
	numbered := map[int]*corev1.Secret{}
	for _, part := range parts {
		number, isOne := formerNumber(part)
		if !isOne {
			continue
		}
		if err := checkFormat(&part.ObjectMeta); err != nil {
			return err
		}
		numbered[number] = part
		into.Record.Former = max(into.Record.Former, number+1)
	}
	var all []release.Former
	for _, number := range slices.Sorted(maps.Keys(numbered)) {
		if numbered[number].Annotations[annotationFirst] == strconv.Itoa(number) {
			all = append(all, formerFrom(numbered, number)...)
		}
	}
	into.Former = release.LatestFormer(all)
	return nil
}

func formerNumber(part *corev1.Secret) (int, bool) {
	if !isFormer(part.Labels[labelPart]) {
		return 0, false
	}
	number, err := strconv.Atoi(strings.TrimPrefix(part.Labels[labelPart], formerKind+"-"))
	return number, err == nil && number >= 0 && number < maxFormer
}

// formerFrom reads the parts that belong together from the first of them on; none where one is missing or damaged.
func formerFrom(parts map[int]*corev1.Secret, first int) []release.Former {
	count, err := strconv.Atoi(parts[first].Annotations[annotationCount])
	if err != nil {
		return nil
	}
	var compressed []byte
	for number := first; number < first+count; number++ {
		part := parts[number]
		if part == nil || part.Annotations[annotationFirst] != strconv.Itoa(first) {
			return nil
		}
		compressed = append(compressed, part.Data[partKey]...)
	}
	former := few[release.Former]{most: maxAdopted}
	if decompress(compressed, maxPayload, &former) != nil {
		return nil
	}
	return former.items
}
