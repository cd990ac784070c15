package plugin

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
)

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
	options := HistoryOptions{Output: newOutputFlags(), Getter: getter, IOStreams: streams}
	command := &cobra.Command{
		Use:     "history NAME",
		Aliases: []string{"hist"},
		Short:   "List the revisions of a release",
		Long: templates.LongDesc(`
			List the revisions of a release that are kept, oldest first, each with what was said about it or what became
			of it.`),
		Example: templates.Examples(`
			# List the revisions of a release
			kubectl sherpack history myshop

			# List the last three
			kubectl sherpack history myshop --max 3

			# Print the number of the newest for a script
			kubectl sherpack history myshop -o jsonpath='{.items[-1].spec.revision}'`),
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := options.complete(cmd, args); err != nil {
				return err
			}
			return options.Run(cmd.Context())
		},
	}
	command.Flags().IntVar(&options.Max, "max", 0, "How many revisions are listed, the newest ones. Zero means all.")
	command.Flags().BoolVar(options.Output.NoHeaders, "no-headers", false, "Do not print the headers of the columns.")
	options.Output.AddFlags(command)
	return command
}

func (o *HistoryOptions) complete(command *cobra.Command, args []string) (err error) {
	if o.Name, err = releaseName(args[0]); err != nil {
		return err
	}
	if o.Max < 0 {
		return inputError{fmt.Errorf("--max %d: must not be negative", o.Max)}
	}
	return o.Output.Check(command)
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
