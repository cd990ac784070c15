package plugin

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/cmd/get"
	"k8s.io/kubectl/pkg/cmd/options"
	"k8s.io/kubectl/pkg/util/templates"
	"k8s.io/kubectl/pkg/util/term"
)

// optionGroup is a heading of a command's help and the flags under it.
type optionGroup struct {
	heading string
	flags   []string
}

// optionGroups are the groups in the order of the help. Flags that are in none of them come last, as other options.
func optionGroups() []optionGroup {
	return []optionGroup{
		{"Value Options:", []string{
			"values", "set", "set-string", "set-json", "set-file", "strict-values", "explain-values", "origins", "all", "reuse-values", "reset-values", "reset-then-reuse-values",
		}},
		{"Hook Options:", []string{"no-hooks", "skip-hooks", "logs", "filter", "keep-going"}},
		{"Wait and Failure Options:", []string{"wait", "timeout", "lock-timeout", "atomic"}},
		{"Review Options:", []string{"dry-run", "diff", "confirm", "yes"}},
		{"Output Options:", []string{"output", "progress", "ci", "no-headers", "show-only", "output-dir", "timeline", "watch"}},
	}
}

// ungrouped is up to how many flags are shown as one list.
const ungrouped = 10

// polishHelp makes the help of all commands easier to read than kubectl's template does.
func polishHelp(root *cobra.Command) {
	usage := root.UsageFunc()
	root.SetUsageFunc(func(command *cobra.Command) error { return groupedUsage(command, usage) })
	visit(root, func(command *cobra.Command) {
		// kubectl's renderer of Markdown begins every paragraph but the first with a space.
		command.Long = strings.ReplaceAll(command.Long, "\n\n ", "\n\n")
		for _, name := range templateFlags() {
			if flag := command.Flags().Lookup(name); flag != nil {
				flag.Hidden = true
			}
		}
	})
}

// visit calls a function with a command and all below it.
func visit(command *cobra.Command, call func(*cobra.Command)) {
	call(command)
	for _, below := range command.Commands() {
		visit(below, call)
	}
}

// groupedUsage prints the usage that kubectl's template makes, with the options in groups where there are many.
func groupedUsage(command *cobra.Command, usage func(*cobra.Command) error) error {
	out := command.OutOrStderr()
	var text bytes.Buffer
	command.SetOut(&text)
	err := usage(command)
	command.SetOut(out)
	if err != nil {
		return err
	}
	before, rest, hasOptions := strings.Cut(text.String(), "Options:\n")
	_, after, hasUsage := strings.Cut(rest, "\n\nUsage:\n")
	if flags := visibleFlags(command); hasOptions && hasUsage && len(flags) > ungrouped {
		text.Reset()
		text.WriteString(before)
		printGroups(&text, flags)
		text.WriteString("Usage:\n" + after)
	}
	_, err = text.WriteTo(out)
	return err
}

// visibleFlags are the flags that the help of a command shows.
func visibleFlags(command *cobra.Command) []*pflag.Flag {
	var flags []*pflag.Flag
	command.LocalNonPersistentFlags().VisitAll(func(flag *pflag.Flag) {
		if !flag.Hidden && flag.Name != "help" {
			flags = append(flags, flag)
		}
	})
	return flags
}

// printGroups prints flags under the headings of their groups.
func printGroups(out io.Writer, flags []*pflag.Flag) {
	for _, group := range optionGroups() {
		isMember := func(flag *pflag.Flag) bool { return slices.Contains(group.flags, flag.Name) }
		printOptions(out, group.heading, slices.DeleteFunc(slices.Clone(flags), func(flag *pflag.Flag) bool { return !isMember(flag) }))
		flags = slices.DeleteFunc(flags, isMember)
	}
	printOptions(out, "Other Options:", flags)
}

// printOptions prints flags as kubectl does, under a heading; without flags, nothing.
func printOptions(out io.Writer, heading string, flags []*pflag.Flag) {
	if len(flags) == 0 {
		return
	}
	// Where the output is no terminal there is no limit, and 0 stands for that.
	limit, _ := term.GetWordWrapperLimit()
	_, _ = fmt.Fprintln(out, heading)
	printer := templates.NewHelpFlagPrinter(out, limit)
	for _, flag := range flags {
		printer.PrintHelpFlag(flag)
	}
}

// templateFlags are the flags that only some forms of -o read. They are the same for all commands, and on one page of their own.
func templateFlags() []string {
	return []string{"allow-missing-template-keys", "show-managed-fields", "template"}
}

// newOptionsCommand is kubectl's list of global options, which the last line of help names, and the flags that belong to -o.
func newOptionsCommand(streams genericiooptions.IOStreams) *cobra.Command {
	command := options.NewCmdOptions(streams.Out)
	command.Hidden = true
	command.Example = templates.Examples(`
		# Print the options that all commands have
		kubectl sherpack options`)
	usage := command.UsageFunc()
	command.SetUsageFunc(func(command *cobra.Command) error {
		if err := usage(command); err != nil {
			return err
		}
		with := &cobra.Command{}
		get.NewGetPrintFlags().TemplateFlags.AddFlags(with)
		printOptions(command.OutOrStdout(), "\nCommands with -o (--output) also have these options for its templates:\n", visibleFlags(with))
		return nil
	})
	return command
}

// helpWriter writes kubectl's help. One place of its template names the program by its file; people call it through kubectl.
type helpWriter struct{ io.Writer }

// Write implements io.Writer.
func (w helpWriter) Write(text []byte) (int, error) {
	const usage = `Use "`
	_, err := w.Writer.Write(bytes.ReplaceAll(text, []byte(usage+programName), []byte(usage+displayName)))
	return len(text), err
}
