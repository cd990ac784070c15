package plugin

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// GetOptions are what the subcommands of get need.
type GetOptions struct {
	Name string
	// Revision is the one to read; 0 means the newest.
	Revision int
	Part     contentPart
	Output   contentFlags
	Getter   genericclioptions.RESTClientGetter
	genericiooptions.IOStreams
}

func newGetCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	command := &cobra.Command{
		Use:   "get SUBCOMMAND",
		Short: "Print what a release was made from: values, manifest, hooks or notes",
		Long: templates.LongDesc(`
			Print what a revision of a release was made from: the values that were given, the manifest, the hooks, or the
			notes. Without --revision that is the newest revision, whether it is deployed or not.`),
		Example: templates.Examples(`
			# List what can be printed
			kubectl sherpack get`),
		DisableFlagsInUseLine: true,
		Args:                  usage(cobra.NoArgs),
		Run:                   func(cmd *cobra.Command, _ []string) { _ = cmd.Help() },
	}
	command.AddCommand(
		newGetValuesCommand(getter, streams), newGetManifestCommand(getter, streams),
		newGetHooksCommand(getter, streams), newGetNotesCommand(getter, streams),
	)
	return command
}

func newGetValuesCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	all := false
	command := newGetPartCommand(valuesPart(&all), getter, streams)
	command.Use = "values NAME"
	command.Short = "Print the values that were given for a release"
	command.Long = templates.LongDesc(`
		Print the values that were given for a release, as YAML: without the defaults of its pack, unless all are asked
		for. Secret ones are printed, too.`)
	command.Example = templates.Examples(`
		# Print the values that were given
		kubectl sherpack get values myshop

		# Print all values of the first revision, the pack's defaults included
		kubectl sherpack get values myshop --all --revision 1

		# Print one of them
		kubectl sherpack get values myshop --all -o jsonpath='{.image.tag}'`)
	command.Flags().BoolVarP(&all, "all", "a", false, "Print all values, the defaults of the pack included.")
	return command
}

func newGetManifestCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	command := newGetPartCommand(resourcesPart(hook.Select{Regular: true}), getter, streams)
	command.Use = "manifest NAME"
	command.Short = "Print the manifest of a release"
	command.Long = templates.LongDesc(`
		Print the resources of a release as they were rendered, without the hooks. What became of them on the cluster may
		differ.`)
	command.Example = templates.Examples(`
		# Print the manifest
		kubectl sherpack get manifest myshop

		# Print that of the first revision
		kubectl sherpack get manifest myshop --revision 1

		# Print what is in it
		kubectl sherpack get manifest myshop -o name`)
	return command
}

func newGetHooksCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	command := newGetPartCommand(resourcesPart(hook.Select{}), getter, streams)
	command.Use = "hooks NAME"
	command.Short = "Print the hooks of a release"
	command.Long = templates.LongDesc(`Print the hooks of a release as they were rendered. How they went is what status shows.`)
	command.Example = templates.Examples(`
		# Print the hooks
		kubectl sherpack get hooks myshop

		# Print what they are
		kubectl sherpack get hooks myshop -o name`)
	return command
}

func newGetNotesCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	command := newGetPartCommand(notesPart(), getter, streams)
	command.Use = "notes NAME"
	command.Short = "Print the notes of a release"
	command.Long = templates.LongDesc(`Print the notes that the pack has for the users of a release. A pack may have none.`)
	command.Example = templates.Examples(`
		# Print the notes
		kubectl sherpack get notes myshop`)
	return command
}

// newGetPartCommand returns a subcommand that prints a part. What its help says is not set yet.
func newGetPartCommand(part contentPart, getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	options := GetOptions{Part: part, Output: newContentFlags(part), Getter: getter, IOStreams: streams}
	command := &cobra.Command{
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := options.complete(cmd, args); err != nil {
				return err
			}
			return options.Run(cmd.Context())
		},
	}
	command.Flags().IntVar(&options.Revision, "revision", 0, "The revision to read. Zero means the newest.")
	options.Output.addFlags(command)
	return command
}

func (o *GetOptions) complete(command *cobra.Command, args []string) (err error) {
	if o.Name, err = releaseName(args[0]); err != nil {
		return err
	}
	if o.Revision < 0 {
		return inputError{fmt.Errorf("--revision %d: must not be negative", o.Revision)}
	}
	return o.Output.check(command)
}

// Run prints the part of the revision.
func (o *GetOptions) Run(ctx context.Context) error {
	target, err := connect(o.Getter, o.IOStreams)
	if err != nil {
		return err
	}
	defer target.close()
	found, err := target.content(ctx, o.Name, o.Revision)
	if err != nil {
		return err
	}
	if err := o.print(found.Content); err != nil {
		return fmt.Errorf("printing release %s/%s revision %d: %w", found.Namespace, found.Name, found.Spec.Revision, err)
	}
	return nil
}

func (o *GetOptions) print(content release.Content) error {
	if !o.Output.machine() {
		text, err := o.Part.text(content)
		if err != nil {
			return err
		}
		_, err = io.WriteString(o.Out, text)
		return err
	}
	object, err := o.Part.object(content)
	if err != nil {
		return err
	}
	printer, err := o.Output.ToPrinter()
	if err != nil {
		return err
	}
	return printIn(*o.Output.OutputFormat, printer, object, o.Out)
}
