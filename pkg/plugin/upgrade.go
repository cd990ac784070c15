package plugin

import (
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
)

func newUpgradeCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	flags := newDeployFlags(getter, streams, beforeDeletions)
	var values reuseFlags
	var definitions definitionFlags
	install := false
	command := &cobra.Command{
		Use:   "upgrade NAME PACK",
		Short: "Bring a release to another version of its pack, or to other values",
		Long: templates.LongDesc(`
			Bring a release to another version of its pack, or to other values.

			The hooks of the phase pre-upgrade run before anything is changed, those of post-upgrade after it. What the pack
			does not have any more is removed last, when all else has succeeded. As long as the release was never deployed,
			because its installation failed, this installs it.

			Without values, those given for the deployed revision are kept. With some, the pack's defaults and those given
			count, and nothing of before; --reuse-values and --reset-then-reuse-values say otherwise.`),
		Example: templates.Examples(`
			# Bring release myshop to the pack in the folder shop, with the values it has
			kubectl sherpack upgrade myshop ./shop

			# Change one value, keep the others that were given, and install the release if it is not there
			kubectl sherpack upgrade myshop ./shop --install --reset-then-reuse-values --set replicas=5`),
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := values.Check(); err != nil {
				return err
			}
			options, err := flags.ToOptions(cmd, args, &definitions)
			if err != nil {
				return err
			}
			options.Verb = DeployVerb{Operation: release.OperationUpgrade, Done: "upgraded", Allow: existing, Reuse: &values}
			if install {
				options.Verb.Allow = nil
			}
			return options.Run(cmd.Context())
		},
	}
	flags.AddFlags(command, &definitions)
	values.AddFlags(command.Flags())
	command.Flags().BoolVarP(&install, "install", "i", install, "Install the release if it is not there.")
	return command
}

// existing refuses to upgrade a release that is not there.
func existing(name string, history release.History) error {
	if history.Newest() == nil || history.Newest().Status.Phase == release.Uninstalled {
		return fmt.Errorf("release %q: %w; to install it, use --install", name, storage.ErrNotFound)
	}
	return nil
}
