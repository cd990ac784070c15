package plan

import (
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

// steps lines up the work: what everything builds on, what the hooks before need, these hooks, the waves, the wait, the
// phase after.
func (c *content) steps(request Request) []Step {
	course, options := CourseOf(request.Operation), request.Options
	hoisted := c.hoisted(request)
	var steps []Step
	var first, early, rest []manifest.Object
	for _, object := range c.regular {
		switch {
		case comesFirst(object):
			first = append(first, object)
		case hoisted[object.Key()]:
			early = append(early, object)
		default:
			rest = append(rest, object)
		}
	}
	if len(first) > 0 {
		steps = append(steps, Step{Verb: Apply, Objects: first})
	}
	for _, step := range waveSteps(early) {
		step.Hoisted = true
		steps = append(steps, step)
	}
	steps = append(steps, c.hookSteps(course.Before, options)...)
	steps = append(steps, waveSteps(rest)...)
	if options.Wait && len(c.regular) > 0 {
		steps = append(steps, Step{Verb: Wait, Objects: c.regular})
	}
	return append(steps, c.hookSteps(course.After, options)...)
}

// comesFirst reports whether an object must be there before any hook runs: hooks may live in the pack's Namespaces, and
// be of the kinds it defines.
func comesFirst(object manifest.Object) bool {
	return strings.HasPrefix(object.File, CRDFolder) || kinds.IsNamespace(object.GroupKind())
}

func (c *content) hookSteps(phase hook.Phase, options Options) []Step {
	hooks := c.inPhases(phase)
	if len(hooks) == 0 || options.Skips(phase) {
		return nil
	}
	return []Step{{Verb: RunHooks, Phase: phase, Hooks: hooks}}
}

// waveSteps makes one step for each wave that has objects; the objects come in install order.
func waveSteps(objects []manifest.Object) []Step {
	var steps []Step
	for wave := 1; wave <= kinds.Waves; wave++ {
		var members []manifest.Object
		for _, object := range objects {
			if key := object.Key(); kinds.Wave(key.GroupKind()) == wave {
				members = append(members, object)
			}
		}
		if len(members) > 0 {
			steps = append(steps, Step{Verb: Apply, Wave: wave, Objects: members})
		}
	}
	return steps
}
