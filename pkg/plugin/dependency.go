package plugin

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	cliprinters "k8s.io/cli-runtime/pkg/printers"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/dependency"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/source"
)

func newDependencyCommand(streams genericiooptions.IOStreams) *cobra.Command {
	command := &cobra.Command{
		Use:     "dependency SUBCOMMAND",
		Aliases: []string{"dep"},
		Short:   "List, update or restore the dependencies of a pack",
		Long: templates.LongDesc(`
			List, update or restore the dependencies of a pack: the packs and charts that Pack.yaml lists and that are rendered
			with it. They lie in its folder packs/, and Pack.lock says which versions they are.`),
		Example: templates.Examples(`
			# List what can be done
			kubectl sherpack dependency`),
		DisableFlagsInUseLine: true,
		Args:                  cobra.NoArgs,
		Run:                   func(cmd *cobra.Command, _ []string) { _ = cmd.Help() },
	}
	command.AddCommand(newDependencyListCommand(streams), newDependencyUpdateCommand(streams), newDependencyBuildCommand(streams))
	return command
}

// DependencyListOptions are what dependency list needs.
type DependencyListOptions struct {
	PackPath string
	Output   dataFormat
	genericiooptions.IOStreams
}

func newDependencyListCommand(streams genericiooptions.IOStreams) *cobra.Command {
	options := DependencyListOptions{IOStreams: streams}
	command := &cobra.Command{
		Use:     "list PACK",
		Aliases: []string{"ls"},
		Short:   "List the dependencies of a pack",
		Long: templates.LongDesc(`
			List the dependencies of a pack or chart, and what it has of them: ok (an archive), unpacked (a folder), missing,
			wrong version, too many matches, or changed (not what Pack.lock says).`),
		Example: templates.Examples(`
			# List the dependencies of the pack in the folder shop
			kubectl sherpack dependency list ./shop

			# Print them as JSON
			kubectl sherpack dependency list ./shop -o json`),
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := options.Output.Check(cmd); err != nil {
				return err
			}
			options.PackPath = args[0]
			return options.Run()
		},
	}
	options.Output.AddFlags(command)
	return command
}

// Run prints the dependencies.
func (o *DependencyListOptions) Run() error {
	opened, err := source.Open(o.PackPath)
	if err != nil {
		return err
	}
	report, err := dependency.Inspect(opened)
	if err != nil {
		return err
	}
	said := &warnings{out: o.ErrOut}
	if report.Stale {
		said.Warn("%s is missing or out of date; run kubectl sherpack dependency update %s", pack.LockFile, o.PackPath)
	}
	for _, unlisted := range report.Unlisted {
		said.Warn("%s is rendered and is not among the dependencies of the pack", unlisted)
	}
	if o.Output.ForMachines() {
		return o.Output.Print(map[string]any{"dependencies": append([]dependency.Entry{}, report.Entries...)}, o.Out)
	}
	return printDependencies(report.Entries, o.Out)
}

// printDependencies prints dependencies as kubectl prints tables; without any, that there is none.
func printDependencies(entries []dependency.Entry, out io.Writer) error {
	if len(entries) == 0 {
		_, err := fmt.Fprintln(out, "No dependencies found.")
		return err
	}
	table := cliprinters.GetNewTabWriter(out)
	fmt.Fprintln(table, "NAME\tVERSION\tREPOSITORY\tSTATUS")
	for _, entry := range entries {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", printers.Line(entry.Name), orNone(entry.Version), orNone(entry.Repository), entry.Status)
	}
	return table.Flush()
}

// orNone is a text in a table, as kubectl writes one that is empty.
func orNone(text string) string {
	if text == "" {
		return "<none>"
	}
	return printers.Line(text)
}

// DependencyWriteOptions are what dependency update and dependency build need.
type DependencyWriteOptions struct {
	PackPath string
	// Write changes the pack in a folder.
	Write func(folder string) ([]dependency.Change, error)
	genericiooptions.IOStreams
}

func newDependencyUpdateCommand(streams genericiooptions.IOStreams) *cobra.Command {
	return &cobra.Command{
		Use:     "update PACK",
		Aliases: []string{"up"},
		Short:   "Update the dependencies of a pack",
		Long: templates.LongDesc(`
			Find the newest allowed version of each dependency of a pack in its repository, a folder or archive, and write it as
			an archive to packs/. What was found is recorded in Pack.lock, with digests. Archives of earlier updates are removed.

			Nothing is changed if a dependency is not found. The dependencies of charts are for Helm to update.`),
		Example: templates.Examples(`
			# Update the dependencies of the pack in the folder shop
			kubectl sherpack dependency update ./shop`),
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			options := DependencyWriteOptions{PackPath: args[0], Write: dependency.Update, IOStreams: streams}
			return options.Run()
		},
	}
}

func newDependencyBuildCommand(streams genericiooptions.IOStreams) *cobra.Command {
	return &cobra.Command{
		Use:   "build PACK",
		Short: "Restore the dependencies of a pack from Pack.lock",
		Long: templates.LongDesc(`
			Write to packs/ exactly the versions that Pack.lock names, from the repositories of the dependencies. A dependency
			whose digest differs from that in Pack.lock is refused, and nothing is changed.`),
		Example: templates.Examples(`
			# Restore the dependencies of the pack in the folder shop
			kubectl sherpack dependency build ./shop`),
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			options := DependencyWriteOptions{PackPath: args[0], Write: dependency.Build, IOStreams: streams}
			return options.Run()
		},
	}
}

// Run changes the pack and prints what was changed.
func (o *DependencyWriteOptions) Run() error {
	changes, err := o.Write(o.PackPath)
	for _, change := range changes {
		verb := "wrote"
		if change.Removed {
			verb = "removed"
		}
		fmt.Fprintf(o.Out, "%s %s\n", verb, printers.Line(filepath.Join(o.PackPath, filepath.FromSlash(change.Path))))
	}
	if err == nil && len(changes) == 0 {
		fmt.Fprintln(o.Out, "the dependencies are up to date")
	}
	return err
}
