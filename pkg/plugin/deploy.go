package plugin

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

// DeployFlags are the flags that install and upgrade share.
type DeployFlags struct {
	Values          pack.ValueSources
	Run             RunFlags
	CreateNamespace bool
	Output          outputFlags
}

// DeployOptions are what making a revision from a pack needs.
type DeployOptions struct {
	Verb            DeployVerb
	Name            string
	PackPath        string
	Values          pack.ValueSources
	CreateNamespace bool
	Plan            lifecycle.Options
	Observe         func(lifecycle.Event)
	DeployContext
}

// DeployVerb is what sets the verbs apart that make a revision from a pack.
type DeployVerb struct {
	// Name is the command, and Done what it has done to a release when it succeeds.
	Name, Done string
	// Allow refuses what the verb is not for; nil allows everything.
	Allow func(name string, history release.History) error
	// Reuse says what becomes of the values of the deployed revision; nil where there cannot be one.
	Reuse *ValueReuse
}

// DeployContext is where a revision is made and shown.
type DeployContext struct {
	Output outputFlags
	Getter genericclioptions.RESTClientGetter
	genericiooptions.IOStreams
}

func newDeployFlags() *DeployFlags {
	return &DeployFlags{Run: newRunFlags(), Output: newOutputFlags()}
}

func (f *DeployFlags) addFlags(command *cobra.Command) {
	addValuesFlags(command.Flags(), &f.Values)
	f.Run.addFlags(command.Flags())
	command.Flags().BoolVar(&f.CreateNamespace, "create-namespace", false,
		"Create the namespace of the release if it does not exist. It does not belong to the release and stays when that goes.")
	command.Flags().IntVar(&f.Run.HistoryMax, "history-max", f.Run.HistoryMax, "How many revisions of the release are kept. Zero means all.")
	f.Output.addFlags(command)
}

// ToOptions checks the flags and completes them.
func (f *DeployFlags) ToOptions(command *cobra.Command, args []string, getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) (*DeployOptions, error) {
	name, err := releaseName(args[0])
	if err != nil {
		return nil, err
	}
	if err := f.Output.check(command); err != nil {
		return nil, err
	}
	plan, err := f.Run.options()
	if err != nil {
		return nil, err
	}
	observe, err := observer(f.Run.Events, streams.ErrOut)
	if err != nil {
		return nil, err
	}
	return &DeployOptions{
		Name: name, PackPath: args[1], Values: f.Values, CreateNamespace: f.CreateNamespace, Plan: plan, Observe: observe,
		DeployContext: DeployContext{Output: f.Output, Getter: getter, IOStreams: streams},
	}, nil
}

// Run makes the next revision of the release and prints it. The error says what failed; a revision that failed is recorded.
func (o *DeployOptions) Run(ctx context.Context) error {
	ctx, cancel := lifecycle.WithTimeout(ctx, o.Plan.Timeout)
	defer cancel()
	return lifecycle.Because(ctx, o.run(ctx))
}

func (o *DeployOptions) run(ctx context.Context) error {
	source, err := load(o.PackPath, o.Values, o.In)
	if err != nil {
		return err
	}
	if o.Verb.Reuse == nil {
		// Wrong values are refused before the cluster is asked, where it has no say in them.
		if err := source.merge(); err != nil {
			return err
		}
	}
	target, err := connect(o.Getter)
	if err != nil {
		return err
	}
	defer target.cluster.Close()
	plan, err := o.plan(ctx, target, source)
	if err != nil {
		return err
	}
	if o.CreateNamespace {
		if _, err := target.cluster.CreateNamespace(ctx, target.namespace); err != nil {
			return err
		}
	}
	runner := lifecycle.Runner{Cluster: target.cluster, Store: target.store, Observe: o.Observe, Now: time.Now}
	if err := runner.Run(ctx, plan); err != nil {
		return fmt.Errorf("%s %s: %w", o.Verb.Name, o.Name, err)
	}
	return o.print(plan)
}

// plan goes from the pack to the plan: history, values, rendering, splitting. It only reads from the cluster.
func (o *DeployOptions) plan(ctx context.Context, target *target, source *input) (*lifecycle.Plan, error) {
	capabilities, err := target.capabilities(ctx, source.pack)
	if err != nil {
		return nil, err
	}
	history, err := target.store.History(ctx, target.namespace, o.Name)
	if err != nil {
		return nil, err
	}
	if o.Verb.Allow != nil {
		if err := o.Verb.Allow(o.Name, history); err != nil {
			return nil, err
		}
	}
	if err := o.complete(ctx, target, source, history.Deployed()); err != nil {
		return nil, err
	}
	request := lifecycle.Request{
		Operation: lifecycle.Next(history), History: history, Options: o.Plan,
		Release: release.New(o.Name, target.namespace, history.NextRevision()),
	}
	engine := render.Engine{Capabilities: capabilities, Lookup: target.lookup(ctx)}
	return target.plan(ctx, engine, source, request)
}

// complete adds to the values those of the deployed revision that are to be kept, and checks them all. deployed is nil
// where no revision is.
func (o *DeployOptions) complete(ctx context.Context, target *target, source *input, deployed *release.Release) error {
	if o.Verb.Reuse == nil {
		// They were put together and checked before the cluster was asked.
		return nil
	}
	if deployed == nil || !o.Verb.Reuse.needs(source.given) {
		return source.merge()
	}
	whole, err := target.store.Get(ctx, target.namespace, o.Name, deployed.Spec.Revision)
	if err != nil {
		return err
	}
	if len(source.given) == 0 && len(whole.Content.Values) > 0 {
		_, _ = fmt.Fprintf(o.ErrOut, "values given for revision %d are kept\n", whole.Spec.Revision)
	}
	o.Verb.Reuse.apply(source, whole.Content)
	return source.merge()
}

// plan renders the pack and plans the operation.
func (t *target) plan(ctx context.Context, engine render.Engine, source *input, request lifecycle.Request) (*lifecycle.Plan, error) {
	next := request.Release
	result, err := source.render(engine, render.Release{
		Name: next.Name, Namespace: next.Namespace, Revision: next.Spec.Revision,
		IsInstall: request.Operation == lifecycle.Install, IsUpgrade: request.Operation == lifecycle.Upgrade,
	})
	if err != nil {
		return nil, err
	}
	if err := fill(next, source, result); err != nil {
		return nil, err
	}
	request.Nodes = result.nodes
	if request.Scopes, err = t.scopes(result.nodes); err != nil {
		return nil, err
	}
	if newest := request.History.Newest(); newest != nil {
		if request.Previous, err = t.store.Get(ctx, t.namespace, next.Name, newest.Spec.Revision); err != nil {
			return nil, err
		}
	}
	return lifecycle.NewPlan(request)
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

func (o *DeployOptions) print(plan *lifecycle.Plan) error {
	r := plan.Release
	if o.Output.machine() {
		return o.Output.printRelease(r.Shown(r.Spec.Revision), o.Out)
	}
	done := o.Verb.Done
	if plan.Operation == lifecycle.Install {
		done = "installed"
	}
	if err := printDone(r, done, o.Out); err != nil {
		return err
	}
	if notes := strings.TrimSpace(r.Content.Notes); notes != "" {
		_, err := io.WriteString(o.Out, "\n"+notes+"\n")
		return err
	}
	return nil
}
