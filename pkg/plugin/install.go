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
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

// InstallFlags are the flags of install.
type InstallFlags struct {
	Values          pack.ValueSources
	Run             RunFlags
	CreateNamespace bool
	Output          outputFlags
}

// InstallOptions are what an installation needs.
type InstallOptions struct {
	Name            string
	PackPath        string
	Values          pack.ValueSources
	CreateNamespace bool
	Plan            lifecycle.Options
	Observe         func(lifecycle.Event)
	Output          outputFlags
	Getter          genericclioptions.RESTClientGetter
	genericiooptions.IOStreams
}

func newInstallCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	flags := InstallFlags{Run: newRunFlags(), Output: newOutputFlags()}
	command := &cobra.Command{
		Use:   "install NAME PACK",
		Short: "Install a pack as a release",
		Long: templates.LongDesc(`
			Install a pack, a folder or a .tgz archive, as a release.

			The hooks of the phase pre-install run before anything of the application is applied, those of post-install
			after it. If something fails, the release is marked as failed and what it has is kept: mend the pack and
			install it again.`),
		Example: templates.Examples(`
			# Install the pack in the folder shop as release myshop
			kubectl sherpack install myshop ./shop

			# Into a namespace that need not exist yet, with other values, and wait until everything is ready
			kubectl sherpack install myshop ./shop -n web --create-namespace -f production.yaml --set replicas=3 --wait

			# Leave out the hooks that run after the installation
			kubectl sherpack install myshop ./shop --skip-hooks post-install`),
		Args: usage(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			options, err := flags.ToOptions(cmd, args, getter, streams)
			if err != nil {
				return err
			}
			return options.Run(cmd.Context())
		},
	}
	addValuesFlags(command.Flags(), &flags.Values)
	flags.Run.addFlags(command.Flags())
	command.Flags().BoolVar(&flags.CreateNamespace, "create-namespace", false,
		"Create the namespace of the release if it does not exist. It does not belong to the release and stays when that goes.")
	flags.Output.addFlags(command)
	return command
}

// ToOptions checks the flags and completes them.
func (f *InstallFlags) ToOptions(command *cobra.Command, args []string, getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) (*InstallOptions, error) {
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
	return &InstallOptions{
		Name: name, PackPath: args[1], Values: f.Values, CreateNamespace: f.CreateNamespace, Plan: plan,
		Observe: observe, Output: f.Output, Getter: getter, IOStreams: streams,
	}, nil
}

// Run installs the pack and prints the release. The error says what failed; a release that failed is recorded.
func (o *InstallOptions) Run(ctx context.Context) error {
	source, err := load(o.PackPath, o.Values, o.In)
	if err != nil {
		return err
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
		return fmt.Errorf("install %s: %w", o.Name, err)
	}
	return o.print(plan.Release)
}

// plan goes from the pack to the plan: history, rendering, splitting. It only reads from the cluster.
func (o *InstallOptions) plan(ctx context.Context, target *target, source *input) (*lifecycle.Plan, error) {
	capabilities, err := target.capabilities(ctx, source.pack)
	if err != nil {
		return nil, err
	}
	history, err := target.store.History(ctx, target.namespace, o.Name)
	if err != nil {
		return nil, err
	}
	operation, free := lifecycle.Next(history)
	if !free {
		return nil, fmt.Errorf("release %q in namespace %q is installed already (revision %d is deployed)",
			o.Name, target.namespace, history.Deployed().Spec.Revision)
	}
	next := release.New(o.Name, target.namespace, history.NextRevision())
	engine := render.Engine{Capabilities: capabilities, Lookup: target.lookup(ctx)}
	result, err := source.render(engine, render.Release{
		Name: next.Name, Namespace: next.Namespace, Revision: next.Spec.Revision, IsInstall: operation == lifecycle.Install,
	})
	if err != nil {
		return nil, err
	}
	if err := complete(next, source, result); err != nil {
		return nil, err
	}
	request := lifecycle.Request{Operation: operation, Release: next, Nodes: result.nodes, Options: o.Plan}
	if request.Scopes, err = target.scopes(result.nodes); err != nil {
		return nil, err
	}
	if newest := history.Newest(); newest != nil {
		if request.Previous, err = target.store.Get(ctx, target.namespace, o.Name, newest.Spec.Revision); err != nil {
			return nil, err
		}
	}
	return lifecycle.NewPlan(request)
}

// complete writes into a new revision what it was rendered from and to.
func complete(next *release.Release, source *input, result *rendered) error {
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

func (o *InstallOptions) print(r *release.Release) error {
	if o.Output.machine() {
		return o.Output.printRelease(r.Shown(r.Spec.Revision), o.Out)
	}
	if err := printDone(r, "installed", o.Out); err != nil {
		return err
	}
	if notes := strings.TrimSpace(r.Content.Notes); notes != "" {
		_, err := io.WriteString(o.Out, "\n"+notes+"\n")
		return err
	}
	return nil
}
