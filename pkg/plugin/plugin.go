// Package plugin is the command line of kubectl sherpack: a file for each verb, which turns flags into options and
// options into a run.
package plugin

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	_ "github.com/sherpack-io/kubectl-sherpack/pkg/plugin/internal/english" // Before what it is about.
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

const (
	// programName is the file that kubectl looks for, and displayName is how it is called.
	programName = "kubectl-sherpack"
	displayName = "kubectl sherpack"
)

// Main runs the command line and returns the exit code. Errors are printed to the error stream; an answer that cannot be
// written is one, too. Cancelling ctx with an Interrupt as the cause ends the work and is recorded.
func Main(ctx context.Context, args []string, streams genericiooptions.IOStreams, build Build) int {
	silenceLibraries()
	out := &answer{Writer: streams.Out}
	streams.Out, streams.ErrOut = out, errorStream(streams.ErrOut, args, build.Version)
	command := NewCommand(streams, build)
	command.SetArgs(args)
	err := interruptible(ctx, func(ctx context.Context) error {
		return out.Complete(command.ExecuteContext(ctx))
	})
	return end(ctx, streams.ErrOut, err)
}

// NewCommand returns the command line. Commands share nothing, so several can live in one program.
func NewCommand(streams genericiooptions.IOStreams, build Build) *cobra.Command {
	root := &cobra.Command{
		Use:   programName,
		Short: "Install, inspect and remove applications with lifecycle hooks",
		Long: templates.LongDesc(`
			Install, inspect and remove applications ("packs") on a Kubernetes cluster, with hooks that run before
			and after each step.`),
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: displayName},
		Version:       build.Version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Run:           func(cmd *cobra.Command, _ []string) { _ = cmd.Help() },
		Args:          knownCommand,
	}
	root.SetIn(streams.In)
	root.SetOut(helpWriter{streams.Out})
	root.SetErr(streams.ErrOut)
	flags := newClusterFlags(streams)
	flags.AddFlags(root.PersistentFlags())
	var preferred preferences
	preferred.AddFlags(root.PersistentFlags())
	preferred.Wrap(flags.ConfigFlags)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := flags.Check(); err != nil {
			return &UsageError{cmd.CommandPath(), err}
		}
		if level := verbosity(cmd); level >= requestsFrom {
			logRequests(level, streams.ErrOut)
		}
		return preferred.Load(cmd, streams.ErrOut)
	}
	root.Flags().Bool("version", false, "Print the version of this program and exit.")
	root.PersistentFlags().IntP(verbosityFlag, verbosityFlag, 0,
		"Log verbosity on stderr. 1 names what the preflight could not check; 6 and above log requests, as in kubectl.")
	root.PersistentFlags().String(colorFlag, "auto", "Colours: auto, always or never. auto: on a terminal, unless NO_COLOR is set.")
	groups := templates.CommandGroups{
		{Message: "Release Commands:", Commands: []*cobra.Command{
			newInstallCommand(flags, streams), newUpgradeCommand(flags, streams), newRollbackCommand(flags, streams),
			newResumeCommand(flags, streams), newDiffCommand(flags, streams),
			newTestCommand(flags, streams), newUninstallCommand(flags, streams), newAdoptCommand(flags, streams), newHandoverCommand(flags, streams),
			newStatusCommand(flags, streams), newListCommand(flags, streams),
			newHistoryCommand(flags, streams), newGetCommand(flags, streams), newLogsCommand(flags, streams),
		}},
		{Message: "Pack Commands:", Commands: []*cobra.Command{
			newCreateCommand(streams), newConvertCommand(streams), newTemplateCommand(flags, streams), newLintCommand(flags, streams),
			newDependencyCommand(streams), newPackageCommand(streams), newShowCommand(streams), newImagesCommand(flags, streams), newExplainCommand(streams),
		}},
	}
	groups.Add(root)
	templates.ActsAsRootCommand(root, nil, groups...)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &UsageError{cmd.CommandPath(), suggestFlag(cmd, err)}
	})
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.AddCommand(newVersionCommand(flags, streams, build), newCompletionCommand(streams), newOptionsCommand(streams))
	refuseAsUsage(root)
	polishHelp(root)
	completer{flags}.AddTo(root)
	return root
}

// knownCommand refuses the name of a command that there is not.
func knownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var known []string
	for _, command := range root.Commands() {
		if command.IsAvailableCommand() {
			known = append(known, command.Name())
		}
	}
	return fmt.Errorf("unknown command %q for %q%s", args[0], root.CommandPath(), words.Suggestion(args[0], known))
}

// suggestFlag names, behind an unknown flag, the one that was probably meant.
func suggestFlag(command *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || unknown.GetSpecifiedShortnames() != "" {
		return err
	}
	var known []string
	command.Flags().VisitAll(func(flag *pflag.Flag) {
		if !flag.Hidden {
			known = append(known, flag.Name)
		}
	})
	if nearest := words.Nearest(unknown.GetSpecifiedName(), known); nearest != "" {
		return fmt.Errorf("%w; did you mean --%s?", err, nearest)
	}
	return err
}
