package plugin

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// DiffFlags are the flags of diff.
type DiffFlags struct {
	Pack         packDiffFlags
	Revision, To int
	Output       diffOutputFlags
	// packOnly are the flags of Pack.
	packOnly *pflag.FlagSet
}

// packDiffFlags are those flags of upgrade that have a say in what it would change.
type packDiffFlags struct {
	Values          valuesFlags
	Reuse           reuseFlags
	Hooks           hookFlags
	Apply           applyFlags
	Definitions     definitionFlags
	CreateNamespace bool
}

// DiffOptions are what diff needs.
type DiffOptions struct {
	Name string
	// Upgrade is what upgrading to a pack needs; nil where no pack is given.
	Upgrade *DeployOptions
	// Revision and To are the revisions to compare: 0 for Revision compares the deployed one with the cluster, and 0 for To is the
	// current one.
	Revision, To int
	Output       diffOutputFlags
	Getter       genericclioptions.RESTClientGetter
	genericiooptions.IOStreams
}

func newDiffCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	var flags DiffFlags
	command := &cobra.Command{
		Use:   "diff NAME [PACK]",
		Short: "Show what an upgrade would change, or what has changed since",
		Long: templates.LongDesc(`
			Show what an upgrade to a pack would change, and change nothing. Every write is submitted as a dry run and
			compared with what is on the cluster; a release that does not exist would be installed. The diff is printed as
			kubectl diff does, through the program in KUBECTL_EXTERNAL_DIFF or diff, and the steps of the plan below it: what
			hooks would run, what would be applied early, recreated, adopted and deleted.

			Without a pack, show drift: the fields that were applied by the deployed revision and have other values on the
			cluster, or are gone, with who has changed them and when. What autoscalers set is no drift.

			With --revision, compare what two revisions were rendered to.

			The exit code is 0 if there are no differences and 1 if there are any. Hooks that would run are no difference. Errors
			have a higher one.`),
		Example: templates.Examples(`
			# See what an upgrade would change
			kubectl sherpack diff myshop ./shop -f production.yaml

			# As a comment for a pull request
			kubectl sherpack diff myshop ./shop -o markdown

			# See what was changed by hand
			kubectl sherpack diff myshop

			# See what revision 7 has changed
			kubectl sherpack diff myshop --revision 6 --to 7`),
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			options, err := flags.ToOptions(cmd, args)
			if err != nil {
				return diffError{err}
			}
			options.attach(getter, streams)
			return options.Run(cmd.Context())
		},
	}
	flags.AddFlags(command)
	return command
}

// AddFlags adds the flags.
func (f *DiffFlags) AddFlags(command *cobra.Command) {
	f.packOnly = f.Pack.set()
	command.Flags().AddFlagSet(f.packOnly)
	command.Flags().IntVar(&f.Revision, "revision", f.Revision, "Compare this revision with another one.")
	command.Flags().IntVar(&f.To, "to", f.To, "The revision to compare --revision with. Zero means the deployed one or, if none is, the newest.")
	f.Output.AddFlags(command)
}

// bundles are those that are about the plan.
func (f *packDiffFlags) bundles() []planFlags {
	return []planFlags{&f.Hooks, &f.Apply, &f.Definitions}
}

// set returns the flags, which are for a pack only.
func (f *packDiffFlags) set() *pflag.FlagSet {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.Values.AddFlags(flags)
	f.Reuse.AddFlags(flags)
	for _, bundle := range f.bundles() {
		bundle.AddFlags(flags)
	}
	flags.BoolVar(&f.CreateNamespace, "create-namespace", false, "Compare as if the namespace of the release existed.")
	// Waiting changes nothing.
	flags.Lookup("wait").Hidden = true
	return flags
}

// ToOptions checks the flags and completes them.
func (f *DiffFlags) ToOptions(command *cobra.Command, args []string) (*DiffOptions, error) {
	name, err := releaseName(args[0])
	if err != nil {
		return nil, err
	}
	options := &DiffOptions{Name: name, Revision: f.Revision, To: f.To, Output: f.Output}
	if err := f.Output.Check(command); err != nil {
		return nil, err
	}
	if err := f.checkRevisions(command, args); err != nil {
		return nil, err
	}
	if len(args) > 1 {
		options.Upgrade, err = f.Pack.toOptions(name, args[1])
		return options, err
	}
	return options, f.checkUnused()
}

// checkRevisions refuses numbers that are none of a revision, and revisions where a pack is compared.
func (f *DiffFlags) checkRevisions(command *cobra.Command, args []string) error {
	compares := command.Flags().Changed("revision")
	switch {
	case len(args) > 1 && (compares || command.Flags().Changed("to")):
		return inputError{errors.New("--revision and --to compare stored revisions; leave out the pack, or them")}
	case command.Flags().Changed("to") && !compares:
		return inputError{errors.New("--to needs --revision, which it is compared with")}
	case compares && f.Revision < 1:
		return inputError{fmt.Errorf("--revision %d: must be a number such as 3", f.Revision)}
	}
	return notNegative("--to", f.To)
}

// checkUnused refuses flags that say nothing without a pack.
func (f *DiffFlags) checkUnused() (err error) {
	f.packOnly.VisitAll(func(flag *pflag.Flag) {
		if err == nil && flag.Changed {
			err = inputError{fmt.Errorf("--%s is about a pack; name the pack after the release", flag.Name)}
		}
	})
	return err
}

// toOptions completes the flags for a pack.
func (f *packDiffFlags) toOptions(name, pack string) (*DeployOptions, error) {
	if err := f.Reuse.Check(); err != nil {
		return nil, err
	}
	var planned plan.Options
	for _, bundle := range f.bundles() {
		if err := bundle.ApplyTo(&planned); err != nil {
			return nil, err
		}
	}
	return &DeployOptions{
		Verb: DeployVerb{Operation: release.OperationUpgrade, Reuse: &f.Reuse}, PackPath: pack, Values: f.Values,
		CreateNamespace: f.CreateNamespace,
		RunOptions:      RunOptions{Name: name, Plan: planned, DryRun: cmdutil.DryRunServer, Review: reviewOptions{Diff: true}},
	}, nil
}

// attach says where to ask and to print.
func (o *DiffOptions) attach(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) {
	o.Getter, o.IOStreams = getter, streams
	if o.Upgrade != nil {
		o.Upgrade.Getter, o.Upgrade.IOStreams = getter, streams
	}
}

// Run prints what differs. The error is errDiffers where something does, and a diffError where that cannot be told.
func (o *DiffOptions) Run(ctx context.Context) error {
	run := o.drift
	switch {
	case o.Upgrade != nil:
		run = o.upgrade
	case o.Revision != 0:
		run = o.revisions
	}
	differs, err := run(ctx)
	switch {
	case err != nil:
		return diffError{err}
	case differs:
		return errDiffers
	}
	return nil
}

// upgrade compares what is on the cluster with what an upgrade would make of it.
func (o *DiffOptions) upgrade(ctx context.Context) (differs bool, err error) {
	work, err := o.Upgrade.load()
	if err != nil {
		return false, err
	}
	options := o.Upgrade.RunOptions
	options.Progress.observe = o.warn
	options.Review.Show = func(preview lifecycle.Preview, refused error) error {
		comparison := comparisonOf(preview, refused)
		differs = comparison.Differs()
		return o.Output.Print(comparison, o.IOStreams)
	}
	_, err = perform(ctx, options, o.Upgrade.Verb.Operation, work.plan)
	return differs, err
}

// warn tells of a dry run what its user has to know.
func (o *DiffOptions) warn(event lifecycle.Event) {
	switch event.Type {
	case lifecycle.Warning:
		_, _ = fmt.Fprintln(o.ErrOut, "warning: "+event.Message)
	case lifecycle.PreflightSkipped:
		_, _ = fmt.Fprintf(o.ErrOut, "warning: %s/%s could not be submitted: %s\n", event.Object.Kind, event.Object.Name, event.Message)
	}
}

// comparisonOf is what a preview with changes has found, and what it would be refused for.
func comparisonOf(preview lifecycle.Preview, refused error) printers.Comparison {
	r := preview.Plan.Release
	comparison := printers.Comparison{
		Name: r.Name, Namespace: r.Namespace, Versions: liveAndMerged(), Changes: preview.Changes, Preview: &preview,
		About: fmt.Sprintf("%s, revision %d", doing(preview.Plan), r.Spec.Revision),
	}
	var problems *lifecycle.PreflightError
	if errors.As(refused, &problems) {
		comparison.Problems = problems.Problems
	}
	return comparison
}

// liveAndMerged are kubectl's names for what is on the cluster and what an apply would make of it.
func liveAndMerged() printers.Versions { return printers.Versions{Before: "LIVE", After: "MERGED"} }
