package plugin

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	cliprinters "k8s.io/cli-runtime/pkg/printers"
	"k8s.io/kubectl/pkg/cmd/get"
	"k8s.io/kubectl/pkg/util/templates"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// GetFlags are the flags of the subcommands of get.
type GetFlags struct {
	Revision int
	Output   contentFlags
}

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
		Short: "Print the values, manifest, hooks or notes of a release",
		Long: templates.LongDesc(`
			Print the values, manifest, hooks or notes of a revision of a release. Without --revision, the newest revision
			is used, deployed or not.`),
		Example: templates.Examples(`
			# List what can be printed
			kubectl sherpack get`),
		DisableFlagsInUseLine: true,
		Args:                  cobra.NoArgs,
		Run:                   func(cmd *cobra.Command, _ []string) { _ = cmd.Help() },
	}
	command.AddCommand(
		newGetValuesCommand(getter, streams), newGetManifestCommand(getter, streams),
		newGetHooksCommand(getter, streams), newGetNotesCommand(getter, streams),
	)
	return command
}

func newGetValuesCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	var all, origins bool
	part := valuesPart(&all)
	part.origins = &origins
	command := newGetPartCommand(part, getter, streams)
	command.Use = "values NAME"
	command.Short = "Print the values that were given for a release"
	command.Long = templates.LongDesc(`
		Print the values given for a release, as YAML. The defaults of the pack are included only with --all. Secret
		values are printed, too.

		With --origins, print a table of all values: where each comes from, and which values it overrides.`)
	command.Example = templates.Examples(`
		# Print the values that were given
		kubectl sherpack get values myshop

		# Print all values of the first revision, the pack's defaults included
		kubectl sherpack get values myshop --all --revision 1

		# Print one value
		kubectl sherpack get values myshop --all -o jsonpath='{.image.tag}'

		# See which file, flag or default each value comes from
		kubectl sherpack get values myshop --origins`)
	command.Flags().BoolVarP(&all, "all", "a", false, "Print all values, including the defaults of the pack.")
	command.Flags().BoolVar(&origins, "origins", false,
		"Print where each value comes from: the file and line, the flag, the default or an earlier revision.")
	return command
}

func newGetManifestCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	command := newGetPartCommand(resourcesPart(hook.Select{Regular: true}), getter, streams)
	command.Use = "manifest NAME"
	command.Short = "Print the manifest of a release"
	command.Long = templates.LongDesc(`
		Print the resources of a release as they were rendered, without its hooks. The objects on the cluster may
		differ.`)
	command.Example = templates.Examples(`
		# Print the manifest
		kubectl sherpack get manifest myshop

		# Print the manifest of the first revision
		kubectl sherpack get manifest myshop --revision 1

		# Print the names of its resources
		kubectl sherpack get manifest myshop -o name`)
	return command
}

func newGetHooksCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	command := newGetPartCommand(resourcesPart(hook.Select{}), getter, streams)
	command.Use = "hooks NAME"
	command.Short = "Print the hooks of a release"
	command.Long = templates.LongDesc(`
		Print the hooks of a release as they were rendered. For their results, see status.`)
	command.Example = templates.Examples(`
		# Print the hooks
		kubectl sherpack get hooks myshop

		# Print the names of the hooks
		kubectl sherpack get hooks myshop -o name`)
	return command
}

func newGetNotesCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	command := newGetPartCommand(notesPart(), getter, streams)
	command.Use = "notes NAME"
	command.Short = "Print the notes of a release"
	command.Long = templates.LongDesc(`Print the notes of a release, if its pack has any.`)
	command.Example = templates.Examples(`
		# Print the notes
		kubectl sherpack get notes myshop`)
	return command
}

// newGetPartCommand returns a subcommand that prints a part. What its help says is not set yet.
func newGetPartCommand(part contentPart, getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	flags := GetFlags{Output: newContentFlags(part.named)}
	command := &cobra.Command{
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			options, err := flags.ToOptions(cmd, args)
			if err != nil {
				return err
			}
			options.Part, options.Getter, options.IOStreams = part, getter, streams
			return options.Run(cmd.Context())
		},
	}
	flags.AddFlags(command)
	return command
}

// AddFlags adds the flags.
func (f *GetFlags) AddFlags(command *cobra.Command) {
	command.Flags().IntVar(&f.Revision, "revision", f.Revision, "The revision to read. Zero means the newest.")
	f.Output.AddFlags(command)
}

// ToOptions checks the flags and completes them.
func (f *GetFlags) ToOptions(command *cobra.Command, args []string) (*GetOptions, error) {
	name, err := releaseName(args[0])
	if err != nil {
		return nil, err
	}
	if err := notNegative("--revision", f.Revision); err != nil {
		return nil, err
	}
	return &GetOptions{Name: name, Revision: f.Revision, Output: f.Output}, f.Output.Check(command)
}

// Run prints the part of the revision.
func (o *GetOptions) Run(ctx context.Context) error {
	if o.Part.origins != nil && *o.Part.origins {
		return o.printOrigins(ctx)
	}
	at, err := connect(o.Getter, o.IOStreams)
	if err != nil {
		return err
	}
	defer at.Close()
	found, err := at.Content(ctx, o.Name, o.Revision)
	if err != nil {
		return err
	}
	if err := o.print(found.Content); err != nil {
		return fmt.Errorf("printing release %s/%s revision %d: %w", found.Namespace, found.Name, found.Spec.Revision, err)
	}
	return nil
}

// printOrigins prints where the values of the revision come from.
func (o *GetOptions) printOrigins(ctx context.Context) error {
	format, err := formOfValues("--origins", o.Output)
	if err != nil {
		return err
	}
	at, err := connect(o.Getter, o.IOStreams)
	if err != nil {
		return err
	}
	defer at.Close()
	found, history, err := at.Find(ctx, o.Name, o.Revision)
	if err != nil {
		return err
	}
	if err := found.Record.Damage.Content; err != nil {
		return damage(found, err)
	}
	return printExplained(explainRevision(found, history), format, o.Out)
}

func (o *GetOptions) print(content release.Content) error {
	if !o.Output.ForMachines() {
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
	return o.Output.Print(object, o.Out)
}

// contentPart is one part of what a revision was rendered from or to.
type contentPart struct {
	// named says that it is made of objects with names, which -o name prints.
	named bool
	// origins says that it is to be printed where values come from; nil for what has none.
	origins *bool
	// text is the part as it is printed without -o.
	text func(release.Content) (string, error)
	// object is the part as printers take it.
	object func(release.Content) (runtime.Object, error)
}

// valuesPart is the values: those that were given, or all where that is asked for.
func valuesPart(all *bool) contentPart {
	values := func(content release.Content) map[string]any {
		chosen := content.Values
		if *all {
			chosen = content.Merged
		}
		if chosen == nil {
			// It is printed as {}, which is as good a file of values as any.
			return map[string]any{}
		}
		return chosen
	}
	return contentPart{
		text: func(content release.Content) (string, error) {
			encoded, err := encode(values(content))
			if err != nil {
				return "", err
			}
			text, err := yaml.JSONToYAML(encoded)
			if err != nil {
				return "", err
			}
			return printers.EscapeYAML(string(text))
		},
		object: func(content release.Content) (runtime.Object, error) {
			return &unstructured.Unstructured{Object: values(content)}, nil
		},
	}
}

// notesPart is the notes.
func notesPart() contentPart {
	return contentPart{
		text: func(content release.Content) (string, error) {
			if notes := strings.TrimSpace(content.Notes); notes != "" {
				return printers.Clean(notes) + "\n", nil
			}
			return "", nil
		},
		object: func(content release.Content) (runtime.Object, error) {
			return &unstructured.Unstructured{Object: map[string]any{"notes": content.Notes}}, nil
		},
	}
}

// resourcesPart is what a filter keeps of the manifest: the YAML stream as it is stored, or a list of objects.
func resourcesPart(filter hook.Select) contentPart {
	kept := func(content release.Content) ([]*kyaml.RNode, error) {
		nodes, err := manifest.DecodeStream([]byte(content.Manifest))
		if err != nil {
			return nil, err
		}
		return filter.Filter(nodes)
	}
	return contentPart{
		named: true,
		text: func(content release.Content) (string, error) {
			nodes, err := kept(content)
			if err != nil {
				return "", err
			}
			return stream(nodes)
		},
		object: func(content release.Content) (runtime.Object, error) {
			nodes, err := kept(content)
			if err != nil {
				return nil, err
			}
			return list(nodes)
		},
	}
}

// stream returns resources as the YAML stream that they are stored as, safe to print.
func stream(nodes []*kyaml.RNode) (string, error) {
	var text strings.Builder
	for _, node := range nodes {
		document, err := manifest.Encode([]*kyaml.RNode{node})
		if err != nil {
			return "", err
		}
		document, err = printers.EscapeYAML(document)
		if err != nil {
			return "", err
		}
		text.WriteString(document)
	}
	return text.String(), nil
}

// list returns resources as one object of kind List, in their order.
func list(nodes []*kyaml.RNode) (*unstructured.UnstructuredList, error) {
	list := &unstructured.UnstructuredList{Object: map[string]any{"apiVersion": "v1", "kind": "List"}}
	for _, node := range nodes {
		object, err := manifest.NewObject(node)
		if err != nil {
			return nil, err
		}
		list.Items = append(list.Items, *object.Unstructured)
	}
	return list, nil
}

// contentFlags are kubectl's -o for what is no release.
type contentFlags struct {
	*genericclioptions.PrintFlags
	// columns is nil where there is nothing to print columns of.
	columns *get.CustomColumnsPrintFlags
}

// newContentFlags returns the flags for a part of a release. named says that it is made of objects with names.
func newContentFlags(named bool) contentFlags {
	flags := contentFlags{PrintFlags: genericclioptions.NewPrintFlags("")}
	if named {
		flags.columns = get.NewCustomColumnsPrintFlags()
	} else {
		flags.NamePrintFlags = nil
	}
	return flags
}

// AddFlags adds -o and what belongs to it.
func (f contentFlags) AddFlags(command *cobra.Command) {
	f.TemplatePrinterFlags.AddFlags(command)
	command.Flags().StringVarP(f.OutputFormat, "output", "o", *f.OutputFormat,
		"Output format. One of: ("+strings.Join(f.AllowedFormats(), ", ")+").")
	completeOutput(command, f.AllowedFormats())
	f.OutputFlagSpecified = func() bool { return command.Flag("output").Changed }
}

// AllowedFormats are those that -o takes.
func (f contentFlags) AllowedFormats() []string {
	formats := f.PrintFlags.AllowedFormats()
	if f.columns != nil {
		formats = append(formats, f.columns.AllowedFormats()...)
	}
	return formats
}

// ToPrinter returns the printer for the form that was asked for.
func (f contentFlags) ToPrinter() (cliprinters.ResourcePrinter, error) {
	if f.columns != nil {
		f.columns.TemplateArgument = *f.TemplatePrinterFlags.TemplateArgument
		if printer, err := f.columns.ToPrinter(*f.OutputFormat); !genericclioptions.IsNoCompatiblePrinterError(err) {
			return printer, err
		}
	}
	printer, err := f.PrintFlags.ToPrinter()
	if genericclioptions.IsNoCompatiblePrinterError(err) {
		err = genericclioptions.NoCompatiblePrinterError{OutputFormat: f.OutputFormat, AllowedFormats: f.AllowedFormats()}
	}
	return printer, err
}

// ForMachines reports whether a form was asked for that is not for people.
func (f contentFlags) ForMachines() bool {
	return *f.OutputFormat != "" || *f.TemplatePrinterFlags.TemplateArgument != ""
}

// Check refuses an unknown form before anything is done.
func (f contentFlags) Check(command *cobra.Command) error {
	if !f.ForMachines() {
		return nil
	}
	if _, err := f.ToPrinter(); err != nil {
		return &UsageError{command.CommandPath(), err}
	}
	return nil
}

// Print prints an object in the form that was asked for.
func (f contentFlags) Print(object runtime.Object, out io.Writer) error {
	printer, err := f.ToPrinter()
	if err != nil {
		return err
	}
	return printIn(*f.OutputFormat, printer, object, out)
}
