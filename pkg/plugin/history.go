package plugin

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
)

// HistoryFlags are the flags of history.
type HistoryFlags struct {
	Max    int
	Output outputFlags
}

// HistoryOptions are what history needs.
type HistoryOptions struct {
	Name string
	// Max is how many revisions are printed, the newest ones; 0 means all.
	Max    int
	Output outputFlags
	Getter genericclioptions.RESTClientGetter
	genericiooptions.IOStreams
}

func newHistoryCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	var flags HistoryFlags
	command := &cobra.Command{
		Use:     "history NAME",
		Aliases: []string{"hist"},
		Short:   "List the revisions of a release",
		Long: templates.LongDesc(`
			List the stored revisions of a release, oldest first, each with its description.`),
		Example: templates.Examples(`
			# List the revisions of a release
			kubectl sherpack history myshop

			# List the last three
			kubectl sherpack history myshop --max 3

			# Print the number of the newest revision for a script
			kubectl sherpack history myshop -o jsonpath='{.items[-1].spec.revision}'`),
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
func (f *HistoryFlags) AddFlags(command *cobra.Command) {
	command.Flags().IntVar(&f.Max, "max", f.Max, "List only this many of the newest revisions. Zero means all.")
	f.Output.AddFlags(command)
	command.Flags().BoolVar(f.Output.NoHeaders, "no-headers", false, "Do not print column headers.")
}

// ToOptions checks the flags and completes them.
func (f *HistoryFlags) ToOptions(command *cobra.Command, args []string) (*HistoryOptions, error) {
	name, err := releaseName(args[0])
	if err != nil {
		return nil, err
	}
	if err := notNegative("--max", f.Max); err != nil {
		return nil, err
	}
	return &HistoryOptions{Name: name, Max: f.Max, Output: f.Output}, f.Output.Check(command)
}

// Run prints the revisions of the release.
func (o *HistoryOptions) Run(ctx context.Context) error {
	at, err := connect(o.Getter, o.IOStreams)
	if err != nil {
		return err
	}
	defer at.Close()
	history, err := at.History(ctx, o.Name)
	if err != nil {
		return err
	}
	history = history.Readable()
	if o.Max > 0 && o.Max < len(history) {
		history = history[len(history)-o.Max:]
	}
	if err := at.ShowInterrupted(ctx, history); err != nil {
		return err
	}
	return o.Output.PrintReleases(history, printers.HistoryTable(history, time.Now()), o.Out)
}
