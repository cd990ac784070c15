package plugin

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
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
	// object is the part as the printer of a format takes it.
	object func(content release.Content, format string) (runtime.Object, error)
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
			return string(text), err
		},
		object: func(content release.Content, format string) (runtime.Object, error) {
			return printable(&unstructured.Unstructured{Object: values(content)}, format)
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
		object: func(content release.Content, format string) (runtime.Object, error) {
			return printable(&unstructured.Unstructured{Object: map[string]any{"notes": content.Notes}}, format)
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
			return manifest.Encode(nodes)
		},
		object: func(content release.Content, format string) (runtime.Object, error) {
			nodes, err := kept(content)
			if err != nil {
				return nil, err
			}
			objects, err := list(nodes)
			if err != nil {
				return nil, err
			}
			return printable(objects, format)
		},
	}
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

// printable returns an object as the printer of a format takes it. For JSON and YAML that is text, which needs no kind.
func printable(object runtime.Unstructured, format string) (runtime.Object, error) {
	if !slices.Contains(genericclioptions.NewJSONYamlPrintFlags().AllowedFormats(), strings.ToLower(format)) {
		return object, nil
	}
	encoded, err := encode(object.UnstructuredContent())
	return &runtime.Unknown{Raw: encoded}, err
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
}

func newContentFlags(part contentPart) contentFlags {
	flags := genericclioptions.NewPrintFlags("")
	if !part.named {
		flags.NamePrintFlags = nil
	}
	return contentFlags{flags}
}

func (f contentFlags) addFlags(command *cobra.Command) {
	f.TemplatePrinterFlags.AddFlags(command)
	command.Flags().StringVarP(f.OutputFormat, "output", "o", *f.OutputFormat,
		"Output format. One of: ("+strings.Join(f.AllowedFormats(), ", ")+").")
	f.OutputFlagSpecified = func() bool { return command.Flag("output").Changed }
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
