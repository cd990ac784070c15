package plugin

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/source"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// ShowOptions are what the subcommands of show need.
type ShowOptions struct {
	PackPath string
	// Files are those to print, of which a pack has one at most.
	Files []string
	genericiooptions.IOStreams
}

func newShowCommand(streams genericiooptions.IOStreams) *cobra.Command {
	command := &cobra.Command{
		Use:   "show SUBCOMMAND",
		Short: "Print the values, README, metadata or schema of a pack",
		Long: templates.LongDesc(`
			Print a file of a pack as it is, comments included: the default values, the README, the metadata (Pack.yaml) or
			the values schema.`),
		Example: templates.Examples(`
			# List what can be printed
			kubectl sherpack show`),
		DisableFlagsInUseLine: true,
		Args:                  cobra.NoArgs,
		Run:                   func(cmd *cobra.Command, _ []string) { _ = cmd.Help() },
	}
	command.AddCommand(
		newShowFileCommand("values", "the default values", streams, pack.ValuesFile),
		newShowFileCommand("readme", "the README", streams, pack.ReadmeFile),
		newShowFileCommand("metadata", "the metadata", streams, pack.MetadataFile, pack.ChartFile),
		newShowFileCommand("schema", "the schema of the values", streams, pack.SchemaFiles()...),
	)
	return command
}

// newShowFileCommand returns a subcommand that prints one of some files.
func newShowFileCommand(name, what string, streams genericiooptions.IOStreams, files ...string) *cobra.Command {
	return &cobra.Command{
		Use:   name + " PACK",
		Short: "Print " + what + " of a pack",
		Long:  templates.LongDesc("Print " + what + " of a pack as it is in " + words.Join(" or ", files...) + ". A pack may have none."),
		Example: templates.Examples(`
			# Print ` + what + ` of the pack in the folder shop
			kubectl sherpack show ` + name + ` ./shop`),
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			options := ShowOptions{PackPath: args[0], Files: files, IOStreams: streams}
			return options.Run()
		},
	}
}

// Run prints the file, or says that there is none.
func (o *ShowOptions) Run() error {
	opened, err := source.Open(o.PackPath)
	if err != nil {
		return err
	}
	p := opened.Pack()
	for _, name := range o.Files {
		if text, found := p.Text(name); found {
			_, err := io.WriteString(o.Out, printers.Clean(string(text)))
			return err
		}
	}
	_, _ = fmt.Fprintf(o.ErrOut, "pack %s has no %s\n", p.Metadata.Name, o.Files[0])
	return nil
}
