package plugin

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// planner plans an operation. It only reads, may be called twice, and asks nothing. There may be a proposal with an error, too,
// for its notes.
type planner func(ctx context.Context, at planning) (*proposal, error)

// proposal is a plan, with what its user has to know before it is run, and what the session is to do besides.
type proposal struct {
	plan.Plan
	// from is the revision whose inventory the operation continues from; nil where there is none.
	from *release.Release
	// deployed is the revision that was deployed before, whole. It is nil where there is none and where nobody needs it.
	deployed *release.Release
	// notes are said once the plan is final, a line each.
	notes []string
	// outside are hooks that run outside of the release's namespace and that this user has not chosen.
	outside []plan.Hook
	// createNamespace asks for the namespace of the release to be created, if it does not exist, before the lock is taken.
	createNamespace bool
	// created is what would be created before the plan is run, where it is a dry run.
	created []corev1.ObjectReference
	// atomic asks for the work to be undone when it fails.
	atomic bool
}

// proposeStored proposes a plan that runs what is stored: its hooks were chosen by whoever made the revision. from is the
// revision whose inventory it continues from; nil is none.
func proposeStored(planned plan.Plan, from *release.Release) *proposal {
	return &proposal{Plan: planned, from: from, outside: planned.HooksOutside()}
}

// planning is what one attempt to plan reads from. Its warnings count only if no other attempt takes its place.
type planning struct {
	records
	discovery
	// provenance says where a revision comes from that is to be made; nil where none is made.
	provenance *provenance
}

// Planning returns what an attempt to plan reads from, which adds to warnings what there is to say of what it finds.
func (c *connection) Planning(found *warnings) planning {
	stored := c.records
	stored.warnings = found
	return planning{records: stored, discovery: c.discovery}
}

// Newest returns the newest revision of a history for an operation that continues from it, as far as it can be read, and says
// what cannot, but for the content: some operations cannot do without it. Where its inventory cannot be read whole, it has
// what all inventories together and its manifest name.
func (p planning) Newest(ctx context.Context, history release.History) (*release.Release, error) {
	found, err := p.Salvage(ctx, history.Newest())
	if err != nil {
		return nil, err
	}
	for _, err := range []error{found.Record.Damage.Head, found.Record.Damage.Status} {
		if err != nil {
			p.warnings.Warn("%v; continuing as after a failed revision", damage(found, err))
		}
	}
	return found, p.CompleteInventory(ctx, found, history)
}

// DoWithoutContent says that an operation continues from a revision whose content cannot be read, where that is so. nil is none.
func (p planning) DoWithoutContent(newest *release.Release) {
	if newest == nil || newest.Record.Damage.Content == nil {
		return
	}
	p.warnings.Warn("%v; continuing as after a failed revision, without its hooks", damage(newest, newest.Record.Damage.Content))
}

// CompleteRequest adds to a request what its release was rendered to.
func (p planning) CompleteRequest(request *plan.Request) (err error) {
	if request.Nodes, err = nodesOf(request.Release); err != nil {
		return err
	}
	return p.FindKinds(request)
}

// RollbackRequest completes the request to restore an earlier revision.
func (p planning) RollbackRequest(earlier, newest *release.Release, history release.History, options plan.Options) (plan.Request, error) {
	request := plan.Rollback(earlier, newest, history, options)
	p.provenance.Stamp(request.Release)
	var err error
	if request.Nodes, err = nodesOf(earlier); err != nil {
		return request, err
	}
	if newest.Record.Damage.Content == nil {
		if request.Left, err = nodesOf(newest); err != nil {
			return request, err
		}
	}
	return request, p.FindKinds(&request)
}

// nodesOf returns the resources that a revision was rendered to.
func nodesOf(r *release.Release) ([]*yaml.RNode, error) {
	if err := r.Record.Damage.Content; err != nil {
		return nil, damage(r, err)
	}
	nodes, err := manifest.DecodeStream([]byte(r.Content.Manifest))
	if err != nil {
		return nil, fmt.Errorf("reading the manifest of release %s/%s revision %d: %w", r.Namespace, r.Name, r.Spec.Revision, err)
	}
	return nodes, nil
}

// CompleteInventory adds to the inventory of a revision, where that cannot be read whole, what is known from elsewhere, and
// says so.
func (p planning) CompleteInventory(ctx context.Context, r *release.Release, history release.History) error {
	lost := r.Record.Damage
	if lost.Inventory == nil {
		return nil
	}
	p.warnings.Warn("%v; continuing with what the inventories that can be read name", damage(r, lost.Inventory))
	var others [][]release.Entry
	for _, listed := range slices.Backward(history) {
		if listed.Spec.Revision == r.Spec.Revision {
			continue
		}
		found, err := p.Salvage(ctx, listed)
		if err != nil {
			return err
		}
		others = append(others, found.Inventory)
	}
	request := plan.Request{Release: r}
	if lost.Content == nil {
		if err := p.CompleteRequest(&request); err != nil {
			return err
		}
	}
	return plan.CompleteInventory(request, others...)
}

// NameMarked warns of what carries the marks of a release whose inventory cannot be read whole, and is not part of the plan.
func (c *connection) NameMarked(ctx context.Context, proposed *proposal) {
	r := proposed.from
	if r == nil || r.Record.Damage.Inventory == nil {
		return
	}
	objects, err := c.cluster.Labelled(ctx, r.Namespace, plan.MarkSelector(r))
	if err != nil {
		c.warnings.Warn("looking for objects with the marks of release %s: %v", r.Name, err)
	}
	known := map[kinds.Key]bool{}
	for _, entry := range proposed.Release.Inventory {
		known[entry.Key()] = true
	}
	var unknown string
	for _, object := range objects {
		key := kinds.KeyOf(corev1.ObjectReference{
			APIVersion: object.APIVersion, Kind: object.Kind, Namespace: object.Namespace, Name: object.Name,
		})
		if plan.IsMarked(object, r) && !known[key] {
			unknown += "\n  " + key.String()
		}
	}
	if unknown != "" {
		c.warnings.Warn("these objects carry the marks of release %s, but no inventory that can be read names them; they are not deleted:%s", r.Name, unknown)
	}
}
