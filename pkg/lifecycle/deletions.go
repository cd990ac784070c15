package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// deletions are what the run will delete, save Namespaces, which come last and may have to stay.
func (p *preflight) deletions() []kube.Deletion {
	var refs []corev1.ObjectReference
	for _, step := range p.steps {
		for _, entry := range step.Entries {
			if step.Action == plan.Delete && !kinds.IsNamespace(entry.GroupKind()) {
				refs = append(refs, entry.Reference())
			}
		}
		for _, h := range step.Hooks {
			if p.Replaces(h) && !p.HasRun(h) {
				refs = append(refs, h.Object.Reference())
			}
		}
	}
	var found []kube.Deletion
	seen := map[kinds.Key]bool{}
	for _, ref := range refs {
		key := kinds.KeyOf(ref)
		if object, live := p.live[key]; live && !p.Spares(object) && !seen[key] {
			seen[key] = true
			ref.UID = object.uid
			found = append(found, kube.Deletion{Ref: ref, NoWait: true, DryRun: true})
		}
	}
	return found
}

// submitDeletions returns what could not be deleted. What is refused for another reason than a missing permission does not count
// where the plan deletes first what may refuse it.
func (p *preflight) submitDeletions(ctx context.Context, deletions []kube.Deletion) []error {
	problems := make([]error, len(deletions))
	// The context tells what was not submitted.
	_ = p.cluster.Delete(ctx, deletions, func(i int, _ time.Duration, err error) { problems[i] = err })
	guardsGo := p.deletesGuards()
	return slices.DeleteFunc(problems, func(err error) bool { return err == nil || guardsGo && !refusal.LacksRight(err) })
}

// deletesGuards reports whether the plan deletes something that can make the API server refuse everything else, such as a
// webhook, which it does before all else.
func (p *preflight) deletesGuards() bool {
	return slices.ContainsFunc(p.plan.Steps, func(step plan.Step) bool {
		return step.Action == plan.Delete && step.Wave == kinds.Waves && slices.ContainsFunc(step.Entries, func(entry release.Entry) bool {
			_, there := p.Deletable(entry)
			return there
		})
	})
}

// missingDependencies returns a problem for each hook whose Pods need something that the plan deletes before the hook runs, as
// an uninstallation does before post-delete. A dry-run does not tell, because all is there now, and the Pods would not start
// when everything else is gone.
func (p *preflight) missingDependencies() []error {
	var problems []error
	gone := map[kinds.Key]bool{}
	for _, step := range p.plan.Steps {
		for _, entry := range step.Entries {
			if _, there := p.Deletable(entry); there && step.Action == plan.Delete {
				gone[entry.Key()] = true
			}
		}
		for _, h := range step.Hooks {
			delete(gone, h.Object.Key())
			if !p.HasRun(h) {
				problems = append(problems, dependenciesGone(h, gone)...)
			}
		}
	}
	return problems
}

// dependenciesGone returns a problem for each object that a hook needs and that is gone by then.
func dependenciesGone(h plan.Hook, gone map[kinds.Key]bool) []error {
	var problems []error
	for _, key := range plan.Indispensable(h.Object) {
		if gone[key] {
			problems = append(problems, &plan.InputError{Object: h.Object, Message: fmt.Sprintf("%s/%s is deleted before this %s hook runs and needs it; "+
				"make it a hook of that phase with a lower weight, or skip the phase", key.Kind, key.Name, h.Phase)})
		}
	}
	return problems
}
