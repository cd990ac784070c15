package plugin

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
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
	CreateNamespace bool
}

// DeployOptions are what making a revision from a pack needs.
type DeployOptions struct {
	Verb            DeployVerb
	PackPath        string
	Values          pack.ValueSources
	Description     string
	CreateNamespace bool
	// Atomic undoes the work when it fails.
	Atomic bool
	RunOptions
}

// DeployVerb is what sets the verbs apart that make a revision from a pack.
type DeployVerb struct {
	// Operation is the command, and Done what it has done to a release when it succeeds.
	Operation release.Operation
	Done      string
	// Allow refuses what the verb is not for; nil allows everything.
	Allow func(name string, history release.History) error
	// Reuse says what becomes of the values of the deployed revision; nil where there cannot be one.
	Reuse *reuseFlags
}

func newDeployFlags(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *DeployFlags {
	return &DeployFlags{Run: newRunFlags(getter, streams), History: newHistoryFlags()}
}

func (f *DeployFlags) bundles() []planFlags {
	return []planFlags{&f.History, &f.Description, &f.Hooks, &f.Apply, &f.Failure}
}

// AddFlags adds the flags, and the bundles that the verb has besides.
func (f *DeployFlags) AddFlags(command *cobra.Command, more ...planFlags) {
	f.Run.AddFlags(command, append(f.bundles(), more...)...)
	f.Values.AddFlags(command.Flags())
	command.Flags().BoolVar(&f.CreateNamespace, "create-namespace", false,
		"Create the namespace of the release if it does not exist. It does not belong to the release and stays when that goes.")
}

// ToOptions checks the flags, with the bundles that the verb has besides, and completes them.
func (f *DeployFlags) ToOptions(command *cobra.Command, args []string, more ...planFlags) (*DeployOptions, error) {
	run, err := f.Run.ToOptions(command, args[0], append(f.bundles(), more...)...)
	if err != nil {
		return nil, err
	}
	return &DeployOptions{
		PackPath: args[1], Values: f.Values.ValueSources, Description: string(f.Description),
		CreateNamespace: f.CreateNamespace, Atomic: f.Failure.Atomic, RunOptions: run,
	}, nil
}

// Run makes the next revision of the release and prints it. The error says what failed; a revision that failed is recorded.
func (o *DeployOptions) Run(ctx context.Context) error {
	source, err := o.load()
	if err != nil {
		return err
	}
	done, err := session{
		RunOptions: &o.RunOptions, operation: o.Verb.Operation, room: o.makeRoom, run: o.deploy,
		// What is kept of earlier values is added to a copy, because it may be done twice.
		plan: func(ctx context.Context, target *target) (*proposal, error) {
			return o.plan(ctx, target, source.copy())
		},
	}.perform(ctx)
	if err != nil {
		return err
	}
	return o.print(done)
}

// load reads the pack and the values.
func (o *DeployOptions) load() (*input, error) {
	source, err := load(o.PackPath, o.Values, o.In)
	if err == nil && o.Verb.Reuse == nil {
		// Wrong values are refused before the cluster is asked, where it has no say in them.
		err = source.merge()
	}
	return source, err
}

// deploy runs the plan and, with --atomic, puts the release back as it was when that fails.
func (o *DeployOptions) deploy(ctx context.Context, target *target, proposed *proposal) (plan.Result, error) {
	result, err := o.run(ctx, target, proposed.Plan)
	if err != nil && o.Atomic {
		err = o.undo(ctx, failedRun{target, proposed, result}, err)
	}
	return result, err
}

// makeRoom creates the namespace of the release if it is to, or finds out whether it would.
func (o *DeployOptions) makeRoom(ctx context.Context, target *target) error {
	if !o.CreateNamespace || o.DryRun == cmdutil.DryRunClient {
		return nil
	}
	if !o.isDry() {
		_, err := target.cluster.CreateNamespace(ctx, target.namespace)
		return err
	}
	missing, err := target.cluster.TryNamespace(ctx, target.namespace)
	if missing {
		target.coming = []corev1.ObjectReference{{APIVersion: "v1", Kind: "Namespace", Name: target.namespace}}
	}
	return err
}

// plan goes on from the values: history, rendering, splitting. It only reads from the cluster.
func (o *DeployOptions) plan(ctx context.Context, target *target, source *input) (*proposal, error) {
	capabilities, err := target.capabilities(ctx, source.pack)
	if err != nil {
		return nil, err
	}
	history, err := target.store.History(ctx, target.namespace, o.Name)
	if err != nil {
		return nil, err
	}
	target.warnOfGaps(history)
	if o.Verb.Allow != nil {
		if err := o.Verb.Allow(o.Name, history); err != nil {
			return nil, err
		}
	}
	request := plan.Request{
		Operation: plan.Next(history), History: history, Options: o.Plan,
		Release: release.New(o.Name, target.namespace, history.NextRevision()),
	}
	request.Release.Spec.Description = o.Description
	proposed := &proposal{}
	if proposed.deployed, err = o.readBefore(ctx, target, source, &request); err != nil {
		return nil, err
	}
	if proposed.notes, err = o.complete(history, proposed.deployed, source); err != nil {
		return proposed, err
	}
	target.doWithout(request.Previous)
	if err := target.render(render.Engine{Capabilities: capabilities, Lookup: target.lookup(ctx)}, source, &request); err != nil {
		return proposed, err
	}
	if o.Atomic {
		request.Undo = target.undoHooks(request, proposed.deployed)
	}
	proposed.Plan, err = plan.New(request)
	return proposed, err
}

// readBefore reads what was before: the newest revision, and the deployed one, which it returns, where it is needed.
func (o *DeployOptions) readBefore(ctx context.Context, target *target, source *input, request *plan.Request) (before *release.Release, err error) {
	newest, deployed := request.History.Newest(), request.History.Deployed()
	if newest == nil {
		return nil, nil
	}
	if request.Previous, err = target.before(ctx, request.History); err != nil || deployed == nil {
		return nil, err
	}
	if deployed == newest {
		return request.Previous, nil
	}
	if o.Atomic || o.Verb.Reuse.Needs(source.given) {
		return target.salvage(ctx, deployed)
	}
	return nil, nil
}

// complete adds to the values those of the deployed revision that are to be kept, and checks them all. deployed is nil
// where no revision is, and where nobody knows which. It returns what the user has to know of that.
func (o *DeployOptions) complete(history release.History, deployed *release.Release, source *input) (notes []string, err error) {
	if o.Verb.Reuse == nil {
		// They were put together and checked before the cluster was asked.
		return nil, nil
	}
	if !o.Verb.Reuse.Needs(source.given) {
		return nil, source.merge()
	}
	if deployed == nil {
		if unknown := history.Unknown(); unknown != nil {
			return nil, valuesLost(unknown, unknown.Record.Damage.Head)
		}
		return nil, source.merge()
	}
	if err := deployed.Record.Damage.Content; err != nil {
		return nil, valuesLost(deployed, err)
	}
	if len(source.given) == 0 && len(deployed.Content.Values) > 0 {
		notes = append(notes, fmt.Sprintf("values given for revision %d are kept", deployed.Spec.Revision))
	}
	o.Verb.Reuse.Apply(source, deployed.Content)
	return notes, source.merge()
}

// valuesLost says that values cannot be kept, because of what cannot be read of the revision that is deployed or may be.
func valuesLost(r *release.Release, err error) error {
	return damageError{
		fmt.Errorf("the values of the deployed revision cannot be read: %w", damage(r, err)),
		"Give all values again, with --values or --set, or use --reset-values.",
	}
}

// render renders the pack into the revision that a request is to make, and completes the request with it.
func (t *target) render(engine render.Engine, source *input, request *plan.Request) error {
	next := request.Release
	result, err := source.render(engine, render.Release{
		Name: next.Name, Namespace: next.Namespace, Revision: next.Spec.Revision,
		IsInstall: request.Operation == release.OperationInstall, IsUpgrade: request.Operation == release.OperationUpgrade,
	})
	if err != nil {
		return err
	}
	if err := fill(next, source, result); err != nil {
		return err
	}
	request.Nodes = result.nodes
	request.Scopes, err = t.scopes(result.nodes)
	return err
}

// fill writes into a new revision what it was rendered from and to.
func fill(next *release.Release, source *input, result *rendered) error {
	text, err := manifest.Encode(result.nodes)
	if err != nil {
		return err
	}
	metadata := source.pack.Metadata
	next.Spec.Pack = release.Pack{Name: metadata.Name, Version: metadata.Version, AppVersion: metadata.AppVersion}
	next.Content = release.Content{
		Manifest: text, Values: source.given, Merged: source.merged, Notes: result.notes, Pack: metadata,
	}
	return nil
}

func (o *DeployOptions) print(done *performed) error {
	said := o.Verb.Done
	if done.plan.Operation == release.OperationInstall {
		said = "installed"
	}
	if err := o.Output.PrintRun(done.Release, said, o.DryRun, o.Out); err != nil || o.Output.ForMachines() {
		return err
	}
	if notes := strings.TrimSpace(done.Release.Content.Notes); notes != "" {
		_, err := io.WriteString(o.Out, "\n"+printers.Clean(notes)+"\n")
		return err
	}
	return nil
}
