package plugin

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// formMarkdown is the form of -o for the comment of a pull request.
const formMarkdown = "markdown"

// differences are an answer of diff.
type differences interface {
	// Text prints them on a terminal, Markdown for a page; Object is their form for programs.
	Text(streams genericiooptions.IOStreams) error
	Markdown(out io.Writer) error
	Object() (*unstructured.Unstructured, error)
}

// diffOutputFlags choose the form of differences.
type diffOutputFlags struct{ Form string }

// AddFlags adds -o.
func (f *diffOutputFlags) AddFlags(command *cobra.Command) {
	command.Flags().StringVarP(&f.Form, "output", "o", "", "Output format. One of: ("+strings.Join(diffForms(), ", ")+").")
	completeOutput(command, diffForms())
}

func diffForms() []string {
	return append(genericclioptions.NewJSONYamlPrintFlags().AllowedFormats(), formMarkdown)
}

// Check refuses an unknown form before anything is done.
func (f diffOutputFlags) Check(command *cobra.Command) error {
	if f.Form == "" || slices.Contains(diffForms(), f.Form) {
		return nil
	}
	return &UsageError{command.CommandPath(), fmt.Errorf("--output %q: valid forms: %s", f.Form, strings.Join(diffForms(), ", "))}
}

// Print prints differences in the form that was asked for.
func (f diffOutputFlags) Print(found differences, streams genericiooptions.IOStreams) error {
	switch f.Form {
	case "":
		return found.Text(streams)
	case formMarkdown:
		return found.Markdown(streams.Out)
	}
	printer, err := genericclioptions.NewJSONYamlPrintFlags().ToPrinter(f.Form)
	if err != nil {
		return err
	}
	object, err := found.Object()
	if err != nil {
		return err
	}
	return printIn(f.Form, printer, object, streams.Out)
}
