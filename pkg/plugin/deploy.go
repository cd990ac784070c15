package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sherpack-io/kubectl-sherpack/pkg/chart"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
)

// DeployFlags are the flags that install and upgrade share.
type DeployFlags struct {
	Run             RunFlags
	Values          valuesFlags
	Hooks           hookFlags
	Apply           applyFlags
	History         historyFlags
	Description     descriptionFlag
	Failure         failureFlags
	Review          reviewFlags
	CreateNamespace bool
}

// DeployOptions are what making a revision from a pack needs.
type DeployOptions struct {
	Verb            DeployVerb
	PackPath        string
	Values          valuesFlags
	Description     string
	CreateNamespace bool
	// Atomic undoes the work when it fails.
	Atomic bool
	RunOptions
}

// DeployVerb is what sets the verbs apart that make a revision from a pack.
type DeployVerb struct {
	// Operation is the command.
	Operation release.Operation
	// Allow refuses what the verb is not for; nil allows everything.
	Allow func(name string, history release.History) error
	// Reuse says what becomes of the values of the deployed revision; nil where there cannot be one.
	Reuse *reuseFlags
}

func (f *DeployFlags) bundles() []planFlags {
	return []planFlags{&f.History, &f.Description, &f.Hooks, &f.Apply, &f.Failure}
}

// AddFlags adds the flags, and the bundles that the verb has besides.
func (f *DeployFlags) AddFlags(command *cobra.Command, more ...planFlags) {
	f.Run.AddFlags(command, append(f.bundles(), more...)...)
	f.Values.AddFlags(command.Flags())
	f.Review.AddFlags(command.Flags())
	command.Flags().BoolVar(&f.CreateNamespace, "create-namespace", false,
		"Create the namespace of the release if it does not exist. uninstall does not delete it.")
}

// ToOptions checks the flags, with the bundles that the verb has besides, and completes them.
func (f *DeployFlags) ToOptions(command *cobra.Command, args []string, more ...planFlags) (*DeployOptions, error) {
	run, err := f.Run.ToOptions(command, args[0], append(f.bundles(), more...)...)
	if err != nil {
		return nil, err
	}
	if err := f.Review.ApplyTo(&run); err != nil {
		return nil, err
	}
	return &DeployOptions{
		PackPath: args[1], Values: f.Values, Description: string(f.Description),
		CreateNamespace: f.CreateNamespace, Atomic: f.Failure.Atomic, RunOptions: run,
	}, nil
}

// Run makes the next revision of the release and prints it. The error says what failed; a revision that failed is recorded.
func (o *DeployOptions) Run(ctx context.Context) error {
	work, err := o.load()
	if err != nil {
		return err
	}
	if !o.isDry() {
		work.made = findSource(ctx, work.source.Pack())
	}
	done, err := perform(ctx, o.RunOptions, o.Verb.Operation, work.plan)
	if err != nil {
		return o.Output.PrintFailed(done, err, o.Out)
	}
	return o.print(done)
}

// deployment is the making of a revision from a pack and values that were read.
type deployment struct {
	*DeployOptions
	source *input
	// made says what the pack is; nil where no revision is made.
	made *provenance
}

// load reads the pack and the values.
func (o *DeployOptions) load() (deployment, error) {
	source, err := loadInput(o.PackPath, o.Values, o.In)
	if err == nil && o.Verb.Reuse == nil {
		// Wrong values are refused before the cluster is asked, where it has no say in them.
		if err = source.Merge(); err == nil {
			err = source.CheckRead()
		}
	}
	return deployment{DeployOptions: o, source: source}, err
}

// plan continues from the values: history, rendering, splitting. What is kept of earlier values is added to a copy.
func (d deployment) plan(ctx context.Context, at planning) (*proposal, error) {
	source := d.source.Copy()
	capabilities, err := at.Capabilities(ctx, source.Pack())
	if err != nil {
		return nil, err
	}
	history, err := at.Revisions(ctx, d.Name)
	if err != nil {
		return nil, err
	}
	if d.Verb.Allow != nil {
		if err := d.Verb.Allow(d.Name, history); errors.Is(err, storage.ErrNotFound) {
			return nil, fmt.Errorf("%w%s", err, cmp.Or(at.adoptable(ctx, d.Name), at.meant(ctx, d.Name)))
		} else if err != nil {
			return nil, err
		}
	}
	d.warnOfHelms(ctx, at, history)
	request := plan.Request{
		Operation: plan.Next(history), History: history, Options: d.Plan,
		Release: release.New(d.Name, at.namespace, history.NextRevision()),
	}
	request.Release.Spec.Description = d.Description
	at.provenance.Stamp(request.Release)
	d.made.Stamp(request.Release)
	proposed := &proposal{createNamespace: d.CreateNamespace, atomic: d.Atomic}
	if request.Previous, proposed.deployed, err = d.readBefore(ctx, at, history); err != nil {
		return nil, err
	}
	proposed.from = request.Previous
	if proposed.notes, err = d.Verb.Reuse.Complete(source, history, proposed.deployed); err != nil {
		return proposed, err
	}
	if d.Verb.Reuse != nil {
		if err := source.CheckRead(); err != nil {
			return proposed, err
		}
	}
	source.WarnOfUnread(at.warnings)
	d.Verb.Reuse.WarnOfDropped(at.warnings, source, proposed.deployed)
	at.DoWithoutContent(request.Previous)
	if err := at.render(render.Engine{Capabilities: capabilities, Lookup: at.Lookup(ctx)}, source, &request); err != nil {
		return proposed, err
	}
	if d.Atomic {
		request.Undo = at.UndoHooks(request, proposed.deployed)
	}
	proposed.Plan, err = plan.New(request)
	return proposed, err
}

// warnOfHelms says that a release could be taken over whole whose objects are to be adopted one by one.
func (d deployment) warnOfHelms(ctx context.Context, at planning, history release.History) {
	if !d.Plan.TakeOwnership || history.Newest() != nil {
		return
	}
	if hint := at.adoptable(ctx, d.Name); hint != "" {
		at.warnings.Warn("--take-ownership applies the pack over what Helm has made%s", hint)
	}
}

// readBefore reads what was before: the newest revision, and the deployed one where it is needed; nil where there is none.
func (d deployment) readBefore(ctx context.Context, at planning, history release.History) (newest, deployed *release.Release, err error) {
	if history.Newest() == nil {
		return nil, nil, nil
	}
	if newest, err = at.Newest(ctx, history); err != nil {
		return nil, nil, err
	}
	switch listed := history.Deployed(); {
	case listed == nil:
	case listed == history.Newest():
		deployed = newest
	case d.Atomic || d.Verb.Reuse.Looks():
		deployed, err = at.Salvage(ctx, listed)
	}
	return newest, deployed, err
}

// render renders the pack into the revision that a request is to make, and completes the request with it.
func (p planning) render(engine render.Engine, source *input, request *plan.Request) error {
	next := request.Release
	result, err := source.Render(engine, render.Release{
		Name: next.Name, Namespace: next.Namespace, Revision: next.Spec.Revision,
		IsInstall: request.Operation == release.OperationInstall, IsUpgrade: request.Operation == release.OperationUpgrade,
	}, p.warnings)
	if err != nil {
		return err
	}
	if source.source.IsChart() {
		for _, warning := range chart.UniqueEnv(result.Nodes) {
			p.warnings.Warn("%s", warning)
		}
	}
	if err := fill(next, source, result); err != nil {
		return err
	}
	request.Nodes = result.Nodes
	return p.FindKinds(request)
}

// fill writes into a new revision what it was rendered from and to.
func fill(next *release.Release, source *input, result *render.Result) error {
	text, err := manifest.Encode(result.Nodes)
	if err != nil {
		return err
	}
	metadata := source.Pack().Metadata
	next.Spec.Pack = release.Pack{Name: metadata.Name, Version: metadata.Version, AppVersion: metadata.AppVersion}
	next.Content = release.Content{
		Manifest: text, Values: source.given, Merged: source.Merged(), Notes: result.Notes, Pack: metadata,
		Origins: pack.Short(source.Origins()), Chart: source.source.IsChart(),
	}
	return nil
}

func (o *DeployOptions) print(done *performed) error {
	if err := o.Output.PrintRun(done, done.Said(), o.DryRun, o.Out); err != nil || o.Output.ForMachines() {
		return err
	}
	notes := strings.TrimSpace(done.Release.Content.Notes)
	if notes == "" {
		return nil
	}
	head := "\n"
	if o.isDry() {
		// They are written as if it had been done.
		head += "NOTES (dry run):\n"
	}
	_, err := io.WriteString(o.Out, head+printers.Clean(notes)+"\n")
	return err
}
