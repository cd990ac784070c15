package plugin

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// isBetween reports whether a release is half Helm's and half ours: a command was cut short that had it change hands.
func isBetween(newest *release.Release) bool {
	if newest == nil || !newest.Status.Operation.ChangesHands() {
		return false
	}
	phase := newest.Status.Phase
	return phase == release.Failed || phase.Pending()
}

// checkSettled refuses to work on a release that is half Helm's.
func checkSettled(history release.History) error {
	newest := history.Newest()
	if !isBetween(newest) {
		return nil
	}
	return &betweenError{newest}
}

// betweenError is a release that is half Helm's and half ours.
type betweenError struct{ release *release.Release }

// Error says what was interrupted.
func (e *betweenError) Error() string {
	return fmt.Sprintf("release %q changes hands: its %s was interrupted or has failed", e.release.Name, e.release.Status.Operation)
}

// Advice says how it is completed.
func (e *betweenError) Advice() string {
	return fmt.Sprintf("To have it here: kubectl sherpack adopt %s --from-helm. To give it to Helm: kubectl sherpack handover %[1]s --to-helm.", e.release.Name)
}

// Revisions are those of a release that can be worked on.
func (p planning) Revisions(ctx context.Context, name string) (release.History, error) {
	history, err := p.records.Revisions(ctx, name)
	return history, cmp.Or(err, checkSettled(history))
}

// History are the revisions of a release that can be worked on, of which there is at least one.
func (p planning) History(ctx context.Context, name string) (release.History, error) {
	history, err := p.records.History(ctx, name)
	return history, cmp.Or(err, checkSettled(history))
}

// Known is History for whom it is no error that there is no such release.
func (p planning) Known(ctx context.Context, name string) (release.History, error) {
	history, err := p.records.Known(ctx, name)
	return history, cmp.Or(err, checkSettled(history))
}

// Find returns a revision of a release that can be worked on, 0 for the newest, and the history it stands in.
func (p planning) Find(ctx context.Context, name string, number int) (*release.Release, release.History, error) {
	found, history, err := p.records.Find(ctx, name, number)
	return found, history, cmp.Or(err, checkSettled(history))
}

// betweenRequest is the request to have a release change hands that is in the record: its newest revision, which must be there
// whole.
func (p planning) betweenRequest(ctx context.Context, history release.History, options plan.Options) (plan.Request, error) {
	newest, err := p.Salvage(ctx, history.Newest())
	if err != nil {
		return plan.Request{}, err
	}
	if lost := newest.Record.Damage.Err(); lost != nil {
		return plan.Request{}, damage(newest, lost)
	}
	request := plan.Request{Release: newest, History: history[:len(history)-1], Options: options}
	if request.Nodes, err = nodesOf(newest); err != nil {
		return plan.Request{}, err
	}
	_, err = p.findHanded(&request, nil)
	return request, err
}

// findHanded finds the kinds of what changes hands: of the resources of a request, and of others, which it returns. What is of a kind
// that the server no longer has is not there any more: it is left out, with a warning.
func (p planning) findHanded(request *plan.Request, others []*yaml.RNode) ([]*yaml.RNode, error) {
	if err := p.FindStoredKinds(request, others...); err != nil {
		return nil, err
	}
	isGone := func(node *yaml.RNode) bool {
		gvk := kinds.OfNode(node)
		if _, known := request.Scopes[gvk.GroupKind()]; known {
			return false
		}
		p.warnings.Warn("%s/%s is skipped: the server has no kind %s in %s", gvk.Kind, node.GetName(), gvk.Kind, gvk.GroupVersion())
		return true
	}
	request.Nodes = slices.DeleteFunc(slices.Clone(request.Nodes), isGone)
	return slices.DeleteFunc(slices.Clone(others), isGone), nil
}

// listed are the records that Helm finds.
func listed(records []release.HelmRecord) []release.HelmRecord {
	return slices.DeleteFunc(slices.Clone(records), func(record release.HelmRecord) bool { return record.Aside })
}
