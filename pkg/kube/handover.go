package kube

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
	"github.com/sherpack-io/kubectl-sherpack/pkg/patience"
)

// HelmManager is the field manager that Helm writes as.
const HelmManager = "helm"

// Handover is an object that one tool hands over to another: its marks change,
// and the manager of the fields that the one has applied. Nothing else does.
type Handover struct {
	// Ref names the object; another one that has its name is not changed.
	Ref corev1.ObjectReference
	// Labels and Annotations are set, or removed where they are nil.
	Labels, Annotations map[string]*string
}

// Managers say who has the fields of objects that are handed over.
type Managers struct {
	// To is the field manager that has them afterwards, as if it had applied them.
	To string
	// From has the fields to be handed over.
	From string
	// Sign is an annotation: whoever manages it on one of the objects has the
	// fields to be handed over, too. Who has annotated an object by hand has
	// not, where another of them has fields of it. Empty, only From has.
	Sign string
}

// HandOver hands objects over, atOnce at a time. It may be called again after
// it was cut short at any point, and changes nothing that is as it is to be.
// done, which may be nil, is called once for each object, one call at a time,
// with nil, or with ErrGone or ErrReplaced, which are told to it alone, or with
// what the error of HandOver has, too.
func (c *Cluster) HandOver(ctx context.Context, handovers []Handover, managers Managers, done func(i int, err error)) error {
	return c.handOver(ctx, handovers, managers, done, false)
}

// TryHandOver submits what HandOver would change as a dry-run.
func (c *Cluster) TryHandOver(ctx context.Context, handovers []Handover, managers Managers, done func(i int, err error)) error {
	return c.handOver(ctx, handovers, managers, done, true)
}

func (c *Cluster) handOver(ctx context.Context, handovers []Handover, managers Managers, done func(i int, err error), dry bool) error {
	for _, handover := range handovers {
		if err := kinds.CheckRefs(handover.Ref); err != nil {
			return fmt.Errorf("handing over: %w", err)
		}
	}
	giver := &giver{connection: c.api, managers: managers, dry: dry}
	signed, unsigned, err := giver.sort(ctx, handovers)
	if err != nil {
		return err
	}
	report := inTurn(done)
	var failures []error
	// What has no sign comes first: who has its fields is told by the others, also when this is called again.
	for _, some := range [][]int{unsigned, signed} {
		failures = append(failures, each(ctx, len(some), atOnce, func(i int) error {
			err := giver.give(ctx, handovers[some[i]])
			if err != nil && !isMoved(err) {
				err = fmt.Errorf("handing over %s: %w", kinds.NameOf(handovers[some[i]].Ref), err)
			}
			report(some[i], err)
			if isMoved(err) {
				return nil
			}
			return err
		}))
		if !dry && errors.Join(failures...) != nil {
			break
		}
	}
	return errors.Join(failures...)
}

// isMoved reports whether an object is gone, or another one.
func isMoved(err error) bool {
	return errors.Is(err, refusal.ErrGone) || errors.Is(err, refusal.ErrReplaced)
}

// giver hands objects over.
type giver struct {
	*connection
	managers Managers
	dry      bool
	// tools are the managers whose fields are handed over, on whatever object.
	tools []string
}

// sort tells the objects that have the sign from the others, and notes which tools manage it.
func (g *giver) sort(ctx context.Context, handovers []Handover) (signed, unsigned []int, err error) {
	found := make([]*metav1.PartialObjectMetadata, len(handovers))
	err = each(ctx, len(handovers), atOnce, func(i int) (err error) {
		if found[i], err = g.read(ctx, handovers[i].Ref); isMoved(err) {
			err = nil
		}
		return err
	})
	g.tools = []string{g.managers.From}
	for i, object := range found {
		if object == nil || object.Annotations[g.managers.Sign] == "" {
			unsigned = append(unsigned, i)
			continue
		}
		signed = append(signed, i)
		if signer, isTool := managerOf(object, g.managers.Sign); isTool && !slices.Contains(g.tools, signer) {
			g.tools = append(g.tools, signer)
		}
	}
	return signed, unsigned, err
}

// read reads the metadata of an object. The error is ErrGone or ErrReplaced where there is another, or none.
func (g *giver) read(ctx context.Context, ref corev1.ObjectReference) (*metav1.PartialObjectMetadata, error) {
	mapping, err := g.kinds.Stored(kinds.Of(ref))
	if meta.IsNoMatchError(err) {
		return nil, refusal.ErrGone
	}
	if err != nil {
		return nil, err
	}
	object, err := g.Metadata(mapping, ref.Namespace).Get(quiet(ctx), ref.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err), err == nil && object.DeletionTimestamp != nil:
		return nil, refusal.ErrGone
	case err != nil:
		return nil, err
	case ref.UID != "" && ref.UID != object.UID:
		return nil, refusal.ErrReplaced
	}
	return object, nil
}

// managerOf is the manager of an annotation: who has applied it or else, of those who have written it, who has the most fields. It is
// a tool where it has applied it, or manages more than metadata; kubectl annotate does neither.
func managerOf(object *metav1.PartialObjectMetadata, annotation string) (manager string, isTool bool) {
	path, metadata := fieldpath.MakePathOrDie("metadata", "annotations", annotation), fieldpath.MakePathOrDie("metadata")[0]
	most := -1
	for _, entry := range object.ManagedFields {
		fields, err := unionOf([]metav1.ManagedFieldsEntry{entry}, isWhole)
		if err != nil || !fields.Has(path) {
			continue
		}
		if entry.Operation == metav1.ManagedFieldsOperationApply {
			return entry.Manager, true
		}
		if fields.Size() > most {
			manager, most = entry.Manager, fields.Size()
			isTool = fields.Size() > fields.WithPrefix(metadata).Size()
		}
	}
	return manager, isTool
}

// isWhole reports whether an entry is about an object, and not a subresource of it.
func isWhole(entry metav1.ManagedFieldsEntry) bool { return entry.Subresource == "" }

// give hands one object over: reads and writes until nobody else writes between.
func (g *giver) give(ctx context.Context, handover Handover) error {
	conflicts := wait.Backoff{Duration: 20 * time.Millisecond, Factor: 2, Steps: 7, Jitter: 0.5}
	for {
		err := g.change(ctx, handover)
		if apierrors.IsNotFound(err) {
			return refusal.ErrGone
		}
		// A dry-run says no version that it could conflict with.
		if g.dry || !apierrors.IsConflict(err) || patience.Pause(ctx, conflicts.Step()) != nil {
			return err
		}
	}
}

// change reads and writes one object. What is to be set comes first and in the name of its new manager; then the fields follow, and
// what is to be removed goes with that. What a policy makes of the marks meanwhile stays so.
func (g *giver) change(ctx context.Context, handover Handover) error {
	object, err := g.read(ctx, handover.Ref)
	if err != nil {
		return err
	}
	set, remove := handover.changes(object)
	if g.dry {
		_, err := g.patch(ctx, handover.Ref, join(set, remove))
		return err
	}
	if len(set) > 0 {
		set["resourceVersion"] = object.ResourceVersion
		if object, err = g.patch(ctx, handover.Ref, set); err != nil {
			return err
		}
		_, remove = handover.changes(object)
	}
	return g.takeFields(ctx, handover.Ref, object, remove)
}

// changes are the labels and annotations that an object does not have yet, and those that it still has, as metadata of a merge
// patch.
func (h Handover) changes(object *metav1.PartialObjectMetadata) (set, remove map[string]any) {
	set, remove = map[string]any{}, map[string]any{}
	add := func(kind string, wanted map[string]*string, has map[string]string) {
		for key, value := range wanted {
			current, there := has[key]
			switch {
			case value != nil && (!there || current != *value):
				add(set, kind, key, *value)
			case value == nil && there:
				add(remove, kind, key, nil)
			}
		}
	}
	add("labels", h.Labels, object.Labels)
	add("annotations", h.Annotations, object.Annotations)
	return set, remove
}

// add adds a label or an annotation to the metadata of a merge patch.
func add(metadata map[string]any, kind, key string, value any) {
	values, _ := metadata[kind].(map[string]any)
	if values == nil {
		values = map[string]any{}
	}
	values[key], metadata[kind] = value, values
}

// join is what two patches of labels and annotations change.
func join(patches ...map[string]any) map[string]any {
	joined := map[string]any{}
	for _, patch := range patches {
		for kind, values := range patch {
			values, _ := values.(map[string]any)
			for key, value := range values {
				add(joined, kind, key, value)
			}
		}
	}
	return joined
}

// takeFields gives the fields of an object to their new manager, and removes marks. It writes nothing where both are done.
func (g *giver) takeFields(ctx context.Context, ref corev1.ObjectReference, object *metav1.PartialObjectMetadata, remove map[string]any) error {
	managers, changed, err := moveFields(object.ManagedFields, g.managers.To, g.from(object))
	if err != nil || !changed && len(remove) == 0 {
		return err
	}
	remove["managedFields"], remove["resourceVersion"] = managers, object.ResourceVersion
	_, err = g.patch(ctx, ref, remove)
	return err
}

// from are the managers whose fields of an object are handed over.
func (g *giver) from(object *metav1.PartialObjectMetadata) []string {
	ofTool := func(entry metav1.ManagedFieldsEntry) bool {
		return isWhole(entry) && slices.Contains(g.tools, entry.Manager)
	}
	signer, isTool := managerOf(object, g.managers.Sign)
	if signer == "" || !isTool && slices.ContainsFunc(object.ManagedFields, ofTool) {
		return g.tools
	}
	return append(slices.Clone(g.tools), signer)
}

// moveFields returns entries of managedFields in which a manager has applied what others had, whether these have applied or
// written it, and what it has written itself. changed tells whether there was any.
func moveFields(entries []metav1.ManagedFieldsEntry, to string, from []string) (moved []metav1.ManagedFieldsEntry, changed bool, err error) {
	var whole metav1.ManagedFieldsEntry
	moves := func(entry metav1.ManagedFieldsEntry) bool {
		return isWhole(entry) && (entry.Manager == to || slices.Contains(from, entry.Manager))
	}
	for _, entry := range entries {
		if !moves(entry) {
			moved = append(moved, entry)
			continue
		}
		changed = changed || entry.Manager != to || entry.Operation != metav1.ManagedFieldsOperationApply
		if whole.APIVersion == "" || entry.Operation == metav1.ManagedFieldsOperationApply {
			whole.APIVersion, whole.FieldsType = entry.APIVersion, entry.FieldsType
		}
		whole.Time = latest(whole.Time, entry.Time)
	}
	if !changed {
		return entries, false, nil
	}
	fields, err := unionOf(entries, moves)
	if err != nil {
		return nil, false, err
	}
	text, err := fields.ToJSON()
	if err != nil {
		return nil, false, err
	}
	whole.Manager, whole.Operation, whole.FieldsV1 = to, metav1.ManagedFieldsOperationApply, metav1.NewFieldsV1(string(text))
	return append(moved, whole), true, nil
}

// latest is the later one of two times, of which each may be nil.
func latest(a, b *metav1.Time) *metav1.Time {
	if a == nil || b != nil && a.Before(b) {
		return b
	}
	return cmp.Or(a, b)
}

// patch changes metadata and nothing else, in the name of the new manager, and returns what it is then. The version in it makes the
// patch one that may be sent again: a lost answer is told as a conflict.
func (g *giver) patch(ctx context.Context, ref corev1.ObjectReference, metadata map[string]any) (object *metav1.PartialObjectMetadata, err error) {
	mapping, err := g.kinds.Stored(kinds.Of(ref))
	if err != nil {
		return nil, err
	}
	patch, err := json.Marshal(map[string]any{"metadata": metadata})
	if err != nil {
		return nil, err
	}
	ctx = quiet(ctx)
	options := metav1.PatchOptions{FieldManager: g.managers.To}
	if g.dry {
		options.DryRun = []string{metav1.DryRunAll}
	}
	_, err = patience.Repeat(ctx, func() (err error) {
		object, err = g.Metadata(mapping, ref.Namespace).Patch(ctx, ref.Name, types.MergePatchType, patch, options)
		return err
	})
	return object, err
}
