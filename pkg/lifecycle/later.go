package lifecycle

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
)

// laterTrials are the hooks that other commands run, each once, without those that are tried for this one. What has the name
// of one and belongs to somebody else may be gone by then.
func (x *execution) laterTrials(ctx context.Context) ([]trial, error) {
	seen := documents{}
	for _, step := range x.ahead() {
		for _, h := range step.Hooks {
			seen.add(h.Object)
		}
	}
	var hooks []plan.Hook
	var refs []corev1.ObjectReference
	for _, h := range x.plan.Later {
		if seen.add(h.Object) {
			hooks, refs = append(hooks, h), append(refs, h.Object.Reference())
		}
	}
	if len(hooks) == 0 {
		return nil, nil
	}
	found, err := x.Cluster.Find(ctx, refs)
	if err != nil {
		return nil, fmt.Errorf("looking for objects with the names of hooks: %w", err)
	}
	own := ownerOf(x.release)
	trials := make([]trial, len(hooks))
	for i, h := range hooks {
		trials[i] = trial{object: h.Object, isHook: true, later: true, step: len(x.plan.Steps)}
		if found[i] == nil {
			continue
		}
		trials[i].replaces = kinds.RunsPods(h.Object.GroupKind()) || h.Has(hook.BeforeHookCreation)
		if x.claimOn(found[i], kinds.KeyOf(refs[i])) == theirs && found[i].DeletionTimestamp == nil {
			trials[i].replaces = true
			refused := laterRefused(h.Object, &ForeignError{Ref: refs[i], Owner: own.ownerPhrase(found[i])})
			x.emit(Warning, Outcome{Message: refused.Error()})
		}
	}
	return trials, nil
}

// isDecisive reports whether a hook that another command runs is refused now for what will not change by then: fields that its
// kind does not have, and rights that whoever makes the revision does not have.
func isDecisive(err error) bool {
	var fields *kube.InvalidFieldsError
	return errors.As(err, &fields) || kube.LacksRight(err)
}

// laterRefused says why a hook that another command runs would be refused now.
func laterRefused(object manifest.Object, err error) error {
	return fmt.Errorf("a hook of the phase %s would be refused now: %w", object.GetAnnotations()[plan.AnnotationPhase], placed(object, err))
}
