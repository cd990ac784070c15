package plugin

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	cliprinters "k8s.io/cli-runtime/pkg/printers"
	"k8s.io/kubectl/pkg/cmd/get"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// outputFlags are kubectl get's -o, and of its other flags those that mean something for releases.
type outputFlags struct {
	*get.PrintFlags
}

func (f outputFlags) addFlags(command *cobra.Command) {
	f.TemplateFlags.AddFlags(command)
	command.Flags().StringVarP(f.OutputFormat, "output", "o", *f.OutputFormat,
		"Output format. One of: ("+strings.Join(f.AllowedFormats(), ", ")+").")
}

func newOutputFlags() outputFlags {
	return outputFlags{get.NewGetPrintFlags()}
}

// machine reports whether -o asks for a form that is not for people; wide is.
func (f outputFlags) machine() bool {
	return *f.OutputFormat != "" && *f.OutputFormat != "wide" || *f.TemplateFlags.TemplateArgument != ""
}

// check refuses an unknown form before anything is done.
func (f outputFlags) check(command *cobra.Command) error {
	if _, err := f.ToPrinter(); err != nil {
		return &UsageError{command.CommandPath(), err}
	}
	return nil
}

// print prints an object in the form that was asked for.
func (f outputFlags) print(object runtime.Object, out io.Writer) error {
	printer, err := f.ToPrinter()
	if err != nil {
		return err
	}
	return printIn(*f.OutputFormat, printer, object, out)
}

// printIn has the printer of a format print an object. In JSON and YAML every character is escaped that a terminal would obey:
// JSON lets some of them stand as they are. Columns are for people: what they hold is cleaned.
func printIn(format string, printer cliprinters.ResourcePrinter, object runtime.Object, out io.Writer) error {
	format = strings.ToLower(format)
	if strings.HasPrefix(format, "custom-columns") {
		return printer.PrintObj(object, printers.CleanWriter{Writer: out})
	}
	whole, ok := object.(runtime.Unstructured)
	if !ok || !slices.Contains(genericclioptions.NewJSONYamlPrintFlags().AllowedFormats(), format) {
		return printer.PrintObj(object, out)
	}
	encoded, err := encode(whole.UnstructuredContent())
	if err != nil {
		return err
	}
	// As text it needs no kind.
	var text bytes.Buffer
	if err := printer.PrintObj(&runtime.Unknown{Raw: encoded}, &text); err != nil {
		return err
	}
	escaped := text.String()
	if format != "json" {
		if escaped, err = printers.EscapeYAML(escaped); err != nil {
			return err
		}
	}
	_, err = io.WriteString(out, escaped)
	return err
}

// printRelease prints one release in the form that was asked for.
func (f outputFlags) printRelease(r *release.Release, out io.Writer) error {
	object, err := printers.Object(r)
	if err != nil {
		return err
	}
	return f.print(object, out)
}

// printDone prints what kubectl prints after it changed something: release.sherpack.io/shop installed.
func printDone(r *release.Release, done string, strategy cmdutil.DryRunStrategy, out io.Writer) error {
	object, err := printers.Object(r)
	if err != nil {
		return err
	}
	flags := cmdutil.PrintFlagsWithDryRunStrategy(genericclioptions.NewPrintFlags(done), strategy)
	printer, err := flags.ToPrinter()
	if err != nil {
		return err
	}
	return printer.PrintObj(object, out)
}

// The forms of events.
const (
	eventsText = "text"
	eventsJSON = "json"
	eventsNone = "none"
)

// observer returns what shows the events of a run.
func observer(form string, verbosity int, out io.Writer) (func(lifecycle.Event), error) {
	switch form {
	case eventsText:
		return printers.TextEvents(out, verbosity), nil
	case eventsJSON:
		return printers.JSONEvents(out), nil
	case eventsNone:
		return nil, nil
	}
	return nil, inputError{fmt.Errorf("--events %q: valid forms: %s, %s, %s", form, eventsText, eventsJSON, eventsNone)}
}

// printRun prints what a run has made of a release: the release where -o asks for it, else what was done to it.
func (o *RunOptions) printRun(r *release.Release, done string) error {
	if o.Output.machine() {
		deployed := 0
		if r.Status.Phase == release.Deployed {
			deployed = r.Spec.Revision
		}
		return o.Output.printRelease(r.Shown(deployed), o.Out)
	}
	return printDone(r, done, o.DryRun, o.Out)
}
