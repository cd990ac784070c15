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

// StatusOptions are what status needs.
type StatusOptions struct {
	Name   string
	Output outputFlags
	Getter genericclioptions.RESTClientGetter
	genericiooptions.IOStreams
}

func newStatusCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	output := newOutputFlags()
	command := &cobra.Command{
		Use:   "status NAME",
		Short: "Show how far a release got, and how its hooks went",
		Long: templates.LongDesc(`
			Show the newest revision of a release: how far it got, how its hooks went, and what it has on the cluster.`),
		Example: templates.Examples(`
			# Show a release
			kubectl sherpack status myshop

			# Print one word for a script
			kubectl sherpack status myshop -o jsonpath='{.status.phase}'`),
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := releaseName(args[0])
			if err != nil {
				return err
			}
			if err := output.check(cmd); err != nil {
				return err
			}
			options := StatusOptions{Name: name, Output: output, Getter: getter, IOStreams: streams}
			return options.Run(cmd.Context())
		},
	}
	output.addFlags(command)
	return command
}

// Run prints the newest revision of the release.
func (o *StatusOptions) Run(ctx context.Context) error {
	target, err := connect(o.Getter)
	if err != nil {
		return err
	}
	defer target.cluster.Close()
	newest, history, err := target.newest(ctx, o.Name)
	if err != nil {
		return err
	}
	if o.Output.machine() {
		return o.Output.printRelease(shown(newest, history), o.Out)
	}
	return printers.Status(o.Out, shown(newest, history), time.Now())
}
