package plan

import (
	"slices"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// records returns the first record of every hook that the operation comes across, in running order.
func (c *content) records(course Course, request Request) ([]release.Hook, error) {
	var records []release.Hook
	for _, h := range c.inPhases(course.Before, course.After) {
		sum, err := c.hookHash(h, request.Release.Namespace)
		if err != nil {
			return nil, err
		}
		record := release.Hook{
			Title: h.Title, Phase: string(h.Phase), APIVersion: h.Object.GetAPIVersion(), Kind: h.Object.GetKind(),
			Namespace: h.Object.GetNamespace(), Name: h.Object.GetName(), Weight: h.Weight,
			State: release.HookPending, Hash: sum, FromRevision: fromRevision(request, h.Phase),
		}
		if request.Options.Skips(h.Phase) {
			record.State, record.Reason = release.HookSkipped, release.ReasonNoHooks
		}
		records = append(records, record)
	}
	return records, nil
}

// fromRevision is the revision whose manifest a hook comes from, where that is not the one that records it.
func fromRevision(request Request, phase hook.Phase) int {
	switch {
	case request.Operation != release.OperationRollback:
		return 0
	case phase == hook.PreRollback:
		return request.Previous.Spec.Revision
	}
	return request.Release.Spec.FromRevision
}

// hookHash identifies what a hook does: by its own content and that of all that is applied for it before it runs, which are
// regular objects and hooks of its phase. A migration that reads another ConfigMap is another migration.
func (c *content) hookHash(h Hook, namespace string) (string, error) {
	sum, err := h.Object.Hash()
	if err != nil {
		return "", err
	}
	var early []manifest.Object
	if h.Phase == hook.PreInstall || h.Phase == hook.PreUpgrade {
		early = append(early, c.regular...)
	}
	for _, other := range c.inPhases(h.Phase) {
		if other.Object.Key() == h.Object.Key() {
			break
		}
		early = append(early, other.Object)
	}
	search := newSearch(early)
	c.addNeeds(search, h, namespace)
	for _, object := range early {
		if !search.found[object.Key()] {
			continue
		}
		more, err := object.Hash()
		if err != nil {
			return "", err
		}
		sum = manifest.Sum([]byte(sum + more))
	}
	return sum, nil
}

// replaceRecords puts new records of the hooks of some phases in the place of those of an earlier run.
func (p *Plan) replaceRecords(c *content, request Request, phases ...hook.Phase) error {
	records, err := c.records(CourseOf(p.Operation), request)
	if err != nil {
		return err
	}
	kept := slices.DeleteFunc(slices.Clone(p.Release.Status.Hooks), func(h release.Hook) bool {
		return slices.Contains(phases, hook.Phase(h.Phase))
	})
	p.Release.Status.Hooks = slices.Concat(kept, records)
	return nil
}
