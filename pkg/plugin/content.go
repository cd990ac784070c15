package plugin

import (
	"encoding/json"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	cliprinters "k8s.io/cli-runtime/pkg/printers"
	"k8s.io/kubectl/pkg/cmd/get"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// contentPart is one part of what a revision was rendered from or to.
type contentPart struct {
	// named says that it is made of objects with names, which -o name prints.
	named bool
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

// encode returns values as JSON in which every control character is escaped: terminals would obey some that JSON lets stand
// as they are, and YAML, which is made from it, has no place for them.
func encode(values map[string]any) ([]byte, error) {
	text, err := json.Marshal(values)
	return printers.Escape(text), err
}

// contentFlags are kubectl's -o for what is no release.
type contentFlags struct {
	*genericclioptions.PrintFlags
	// columns is nil where there is nothing to print columns of.
	columns *get.CustomColumnsPrintFlags
}

func newContentFlags(part contentPart) contentFlags {
	flags := contentFlags{PrintFlags: genericclioptions.NewPrintFlags("")}
	if part.named {
		flags.columns = get.NewCustomColumnsPrintFlags()
	} else {
		flags.NamePrintFlags = nil
	}
	return flags
}

func (f contentFlags) addFlags(command *cobra.Command) {
	f.TemplatePrinterFlags.AddFlags(command)
	command.Flags().StringVarP(f.OutputFormat, "output", "o", *f.OutputFormat,
		"Output format. One of: ("+strings.Join(f.AllowedFormats(), ", ")+").")
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

// machine reports whether a form was asked for that is not for people.
func (f contentFlags) machine() bool {
	return *f.OutputFormat != "" || *f.TemplatePrinterFlags.TemplateArgument != ""
}

// check refuses an unknown form before anything is done.
func (f contentFlags) check(command *cobra.Command) error {
	if !f.machine() {
		return nil
	}
	if _, err := f.ToPrinter(); err != nil {
		return &UsageError{command.CommandPath(), err}
	}
	return nil
}
