package plugin

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// StatusFlags are the flags of status.
type StatusFlags struct {
	Revision int
	Output   outputFlags
}

// StatusOptions are what status needs.
type StatusOptions struct {
	Name string
	// Revision is the one to show; 0 for the newest.
	Revision int
	Output   outputFlags
	Getter   genericclioptions.RESTClientGetter
	genericiooptions.IOStreams
}

func newStatusCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	var flags StatusFlags
	command := &cobra.Command{
		Use:   "status NAME",
		Short: "Show the status of a release",
		Long: templates.LongDesc(`
			Show the status of a release: the state of its newest revision (or the one of --revision), its hooks, its last
			tests and its resources.`),
		Example: templates.Examples(`
			# Show a release
			kubectl sherpack status myshop

			# Show the result of an upgrade that was rolled back
			kubectl sherpack status myshop --revision 7

			# Print the state for a script
			kubectl sherpack status myshop -o jsonpath='{.status.phase}'`),
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			options, err := flags.ToOptions(cmd, args)
			if err != nil {
				return err
			}
			options.Getter, options.IOStreams = getter, streams
			return options.Run(cmd.Context())
		},
	}
	flags.AddFlags(command)
	return command
}

// AddFlags adds the flags.
func (f *StatusFlags) AddFlags(command *cobra.Command) {
	command.Flags().IntVar(&f.Revision, "revision", f.Revision, "The revision to show. Zero means the newest.")
	f.Output.AddFlags(command)
}

// ToOptions checks the flags and completes them.
func (f *StatusFlags) ToOptions(command *cobra.Command, args []string) (*StatusOptions, error) {
	name, err := releaseName(args[0])
	if err != nil {
		return nil, err
	}
	if err := notNegative("--revision", f.Revision); err != nil {
		return nil, err
	}
	return &StatusOptions{Name: name, Revision: f.Revision, Output: f.Output}, f.Output.Check(command)
}

// Run prints the revision.
func (o *StatusOptions) Run(ctx context.Context) error {
	at, err := connect(o.Getter, o.IOStreams)
	if err != nil {
		return err
	}
	defer at.Close()
	found, history, err := at.Current(ctx, o.Name, o.Revision)
	if err != nil {
		return err
	}
	for _, err := range found.Record.Damage.All() {
		if err != nil {
			at.warnings.Warn("%v", damage(found, err))
		}
	}
	if found.Spec.Revision == history.Newest().Spec.Revision {
		if err := at.addTests(ctx, found, history.Deployed()); err != nil {
			return err
		}
	}
	if o.Output.ForMachines() {
		return o.Output.PrintRelease(shown(found, history), o.Out)
	}
	return printers.Status(o.Out, shown(found, history), time.Now())
}

// addTests adds to the newest revision the tests of the deployed one, where that is another: the last test run is of
// interest whatever failed since.
func (r records) addTests(ctx context.Context, newest, deployed *release.Release) error {
	if deployed == nil || deployed.Spec.Revision == newest.Spec.Revision {
		return nil
	}
	tested, err := r.Salvage(ctx, deployed)
	if err != nil {
		return err
	}
	for _, record := range tested.Status.Hooks {
		if record.Phase == string(hook.Test) {
			record.FromRevision = deployed.Spec.Revision
			newest.Status.Hooks = append(newest.Status.Hooks, record)
		}
	}
	return nil
}

// shown returns a release as it is printed.
func shown(r *release.Release, history release.History) *release.Release {
	deployed := 0
	if found := history.Deployed(); found != nil {
		deployed = found.Spec.Revision
	}
	return r.Shown(deployed)
}
