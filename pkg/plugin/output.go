package plugin

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	cliprinters "k8s.io/cli-runtime/pkg/printers"
	"k8s.io/kubectl/pkg/cmd/get"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// outputFlags are kubectl get's -o, and of its other flags those that mean something for releases. They are complete
// once AddFlags has added them.
type outputFlags struct {
	*get.PrintFlags
	// own are the forms that only this command has; it prints them itself.
	own []string
}

// AddFlags adds -o and what belongs to it. own are forms that the command prints itself.
func (f *outputFlags) AddFlags(command *cobra.Command, own ...string) {
	f.PrintFlags, f.own = get.NewGetPrintFlags(), own
	f.TemplateFlags.AddFlags(command)
	forms := append(f.AllowedFormats(), own...)
	command.Flags().StringVarP(f.OutputFormat, "output", "o", *f.OutputFormat, "Output format. One of: ("+strings.Join(forms, ", ")+").")
	completeOutput(command, forms)
}

// Own returns the form that was asked for if it is one that only this command has; else "".
func (f outputFlags) Own() string {
	if slices.Contains(f.own, *f.OutputFormat) {
		return *f.OutputFormat
	}
	return ""
}

// completeOutput completes the flag --output, which a command has just been given, with some forms.
func completeOutput(command *cobra.Command, forms []string) {
	// The error would say that it has no such flag.
	_ = command.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(forms, cobra.ShellCompDirectiveNoFileComp))
}

// Check refuses an unknown form before anything is done.
func (f outputFlags) Check(command *cobra.Command) error {
	if f.Own() != "" {
		return nil
	}
	_, err := f.ToPrinter()
	if unknown := (genericclioptions.NoCompatiblePrinterError{}); errors.As(err, &unknown) {
		unknown.AllowedFormats = append(unknown.AllowedFormats, f.own...)
		err = unknown
	}
	if err != nil {
		return &UsageError{command.CommandPath(), err}
	}
	return nil
}

// ForMachines reports whether -o asks for a form that is not for people; wide is.
func (f outputFlags) ForMachines() bool {
	return *f.OutputFormat != "" && *f.OutputFormat != "wide" || *f.TemplateFlags.TemplateArgument != ""
}

// IsWide reports whether -o asks for more columns.
func (f outputFlags) IsWide() bool { return *f.OutputFormat == "wide" }

// PrintReleases prints releases: as their table for people, else as a list object in the form that was asked for.
func (f outputFlags) PrintReleases(releases release.History, table *metav1.Table, out io.Writer) error {
	if !f.ForMachines() {
		return f.print(table, out)
	}
	list, err := printers.List(releases)
	if err != nil {
		return err
	}
	return f.print(list, out)
}

// PrintRelease prints one release in the form that was asked for.
func (f outputFlags) PrintRelease(r *release.Release, out io.Writer) error {
	object, err := printers.Object(r)
	if err != nil {
		return err
	}
	return f.print(object, out)
}

// PrintRun prints what a run has made of a release: the release where -o asks for it, else what was done to it, in a word.
func (f outputFlags) PrintRun(done *performed, said string, strategy cmdutil.DryRunStrategy, out io.Writer) error {
	if !f.ForMachines() {
		return printDone(done.Release, said, strategy, out)
	}
	object, err := done.Object()
	if err != nil {
		return err
	}
	return f.print(object, out)
}

// PrintFailed prints the release of a run that has failed, where -o asks for it and something was recorded, and returns the run's error.
func (f outputFlags) PrintFailed(done *performed, failure error, out io.Writer) error {
	if !f.ForMachines() || !done.IsRecorded() {
		return failure
	}
	return errors.Join(failure, f.PrintRun(done, "", cmdutil.DryRunNone, out))
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

// encode returns values as JSON in which every control character is escaped: terminals would obey some that JSON lets stand
// as they are, and YAML, which is made from it, has no place for them.
func encode(values map[string]any) ([]byte, error) {
	text, err := json.Marshal(values)
	return printers.Escape(text), err
}
