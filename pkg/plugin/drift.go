package plugin

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/diff"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// drift compares what the deployed revision has applied with what is on the cluster.
func (o *DiffOptions) drift(ctx context.Context) (drifted bool, err error) {
	at, err := connect(o.Getter, o.IOStreams)
	if err != nil {
		return false, err
	}
	defer at.Close()
	deployed, err := at.deployed(ctx, o.Name)
	if err != nil {
		return false, err
	}
	applied, err := at.appliedBy(deployed)
	if err != nil {
		return false, err
	}
	objects, incomplete := at.cluster.Drift(ctx, applied)
	for _, notice := range at.cluster.Notices() {
		at.warnings.Warn("%s", notice)
	}
	found := printers.Drift{Name: deployed.Name, Namespace: deployed.Namespace, Revision: deployed.Spec.Revision, Objects: objects}
	if len(objects) == 0 && incomplete == nil && o.Output.Form == "" {
		_, _ = fmt.Fprintf(o.ErrOut, "release %s has not drifted from revision %d\n", deployed.Name, deployed.Spec.Revision)
	}
	return len(objects) > 0, errors.Join(interrupted(ctx, incomplete), o.Output.Print(found, o.IOStreams))
}

// deployed returns the deployed revision of a release, and says so where that is not the newest.
func (c *connection) deployed(ctx context.Context, name string) (*release.Release, error) {
	history, err := c.History(ctx, name)
	if err != nil {
		return nil, err
	}
	newest, deployed := history.Newest(), history.Deployed()
	if deployed == nil {
		return nil, fmt.Errorf("release %q has no deployed revision to compare with; revision %d is %s", name, newest.Spec.Revision, state(newest))
	}
	if deployed != newest {
		c.warnings.Warn("revision %d is %s; comparing with revision %d, which is deployed", newest.Spec.Revision, state(newest), deployed.Spec.Revision)
	}
	return c.Salvage(ctx, deployed)
}

// appliedBy returns what a revision has applied, hooks apart: what a rollback to it would apply again, but for definitions that it
// has left to others.
func (c *connection) appliedBy(r *release.Release) ([]*unstructured.Unstructured, error) {
	found := &warnings{}
	request, err := c.Planning(found).RollbackRequest(r, r, release.History{r}, plan.Options{})
	c.warnings.AddAll(found)
	if err != nil {
		return nil, err
	}
	planned, err := plan.New(request)
	if err != nil {
		return nil, err
	}
	index := release.Index(r.Inventory)
	var applied []*unstructured.Unstructured
	for _, step := range planned.Steps {
		if step.Action != plan.Apply {
			continue
		}
		for _, object := range step.Objects {
			if _, listed := index[object.Key()]; !listed && planned.LeavesToOthers(object) {
				continue
			}
			applied = append(applied, object.Unstructured)
		}
	}
	return applied, nil
}

// revisions compares what two revisions were rendered to.
func (o *DiffOptions) revisions(ctx context.Context) (differs bool, err error) {
	at, err := connect(o.Getter, o.IOStreams)
	if err != nil {
		return false, err
	}
	defer at.Close()
	before, history, err := at.Find(ctx, o.Name, o.Revision)
	if err != nil {
		return false, err
	}
	number := o.To
	if deployed := history.Deployed(); number == 0 && deployed != nil {
		number = deployed.Spec.Revision
	}
	after, _, err := at.Find(ctx, o.Name, number)
	if err != nil {
		return false, err
	}
	global := clusterScoped(before, after)
	left, err := objectsOf(before, global)
	if err != nil {
		return false, err
	}
	right, err := objectsOf(after, global)
	if err != nil {
		return false, err
	}
	name := func(r *release.Release) string { return fmt.Sprintf("REVISION-%d", r.Spec.Revision) }
	comparison := printers.Comparison{
		Name: after.Name, Namespace: after.Namespace, Changes: diff.Between(left, right),
		About:    fmt.Sprintf("revision %d and revision %d", before.Spec.Revision, after.Spec.Revision),
		Versions: printers.Versions{Before: name(before), After: name(after)},
	}
	return comparison.Differs(), o.Output.Print(comparison, o.IOStreams)
}

// clusterScoped returns the kinds whose objects live in no namespace, by what the inventories of revisions say.
func clusterScoped(revisions ...*release.Release) map[schema.GroupKind]bool {
	global := map[schema.GroupKind]bool{}
	for _, r := range revisions {
		for _, entry := range r.Inventory {
			if entry.Namespace == "" {
				global[entry.GroupKind()] = true
			}
		}
	}
	return global
}

// objectsOf returns what a revision was rendered to, hooks included, with the namespaces that the objects were applied in. global
// are the kinds whose objects live in none.
func objectsOf(r *release.Release, global map[schema.GroupKind]bool) ([]*unstructured.Unstructured, error) {
	nodes, err := nodesOf(r)
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	for _, node := range nodes {
		object, err := manifest.NewObject(node)
		if err != nil {
			return nil, damage(r, err)
		}
		switch {
		case global[object.GroupKind()]:
			object.SetNamespace("")
		case object.GetNamespace() == "":
			object.SetNamespace(r.Namespace)
		}
		objects = append(objects, object.Unstructured)
	}
	return objects, nil
}
