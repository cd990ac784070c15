package plugin

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"
)

// completionName is the file that kubectl looks for on PATH, and runs to complete the arguments of the plugin. It is this
// program under another name, because krew installs one file only.
const completionName = "kubectl_complete-sherpack"

// shells are those that there are completion scripts for.
func shells() []string { return []string{"bash", "zsh", "fish", "powershell"} }

func newCompletionCommand(streams genericiooptions.IOStreams) *cobra.Command {
	command := &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print a shell completion script, or install completion for kubectl",
		Long: templates.LongDesc(`
			Print the completion script for the command kubectl-sherpack in bash, zsh, fish or powershell. In bash, load it
			with "source <(kubectl-sherpack completion bash)"; this needs the package bash-completion.

			"kubectl sherpack" does not need it: it is completed by kubectl's own script (see "kubectl completion --help")
			after "kubectl sherpack completion install".`),
		Example: templates.Examples(`
			# Print the script for bash
			kubectl sherpack completion bash

			# Print the script for zsh, to be kept in a folder of $fpath as _kubectl-sherpack
			kubectl sherpack completion zsh`),
		ValidArgs: shells(),
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := writeScript(cmd.Root(), args[0], streams.Out); err != nil {
				return fmt.Errorf("writing the completion script of %s: %w", args[0], err)
			}
			return nil
		},
	}
	command.AddCommand(newCompletionInstallCommand(streams))
	return command
}

// writeScript writes the script by which a shell completes the program.
func writeScript(root *cobra.Command, shell string, out io.Writer) error {
	switch shell {
	case "bash":
		return root.GenBashCompletionV2(out, true)
	case "zsh":
		return root.GenZshCompletion(out)
	case "fish":
		return root.GenFishCompletion(out, true)
	}
	return root.GenPowerShellCompletionWithDesc(out)
}
