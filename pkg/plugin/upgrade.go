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

// UpgradeFlags are the flags of upgrade.
type UpgradeFlags struct {
	Deploy      DeployFlags
	Reuse       reuseFlags
	Definitions definitionFlags
	Install     bool
}

func newUpgradeCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	flags := UpgradeFlags{Deploy: DeployFlags{Run: RunFlags{Getter: getter, IOStreams: streams, Asks: beforeDeletions + ", or " + beforeChanges}}}
	command := &cobra.Command{
		Use:   "upgrade NAME PACK",
		Short: "Upgrade a release to a new pack version or new values",
		Long: templates.LongDesc(`
			Upgrade a release to a new pack version or new values.

			pre-upgrade hooks run before anything is changed, post-upgrade hooks after it. Objects that are no longer in the
			pack are deleted last, once everything else has succeeded. If the release was never deployed because its
			installation failed, upgrade installs it.

			Without --values or --set, the values of the deployed revision are reused. With them, the pack's defaults and
			the given values are used; see --reuse-values and --reset-then-reuse-values.`),
		Example: templates.Examples(`
			# Upgrade release myshop to the pack in the folder shop, reusing its values
			kubectl sherpack upgrade myshop ./shop

			# Change one value and keep the other given ones; install the release if it does not exist
			kubectl sherpack upgrade myshop ./shop --install --reset-then-reuse-values --set replicas=5`),
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			options, err := flags.ToOptions(cmd, args)
			if err != nil {
				return err
			}
			return options.Run(cmd.Context())
		},
	}
	flags.AddFlags(command)
	return command
}

// AddFlags adds the flags.
func (f *UpgradeFlags) AddFlags(command *cobra.Command) {
	f.Deploy.AddFlags(command, &f.Definitions)
	f.Reuse.AddFlags(command.Flags())
	command.Flags().BoolVarP(&f.Install, "install", "i", false, "Install the release if it does not exist.")
}

// ToOptions checks the flags and completes them.
func (f *UpgradeFlags) ToOptions(command *cobra.Command, args []string) (*DeployOptions, error) {
	if err := f.Reuse.Check(); err != nil {
		return nil, err
	}
	options, err := f.Deploy.ToOptions(command, args, &f.Definitions)
	if err != nil {
		return nil, err
	}
	options.Verb = DeployVerb{Operation: release.OperationUpgrade, Allow: existing, Reuse: &f.Reuse}
	if f.Install {
		options.Verb.Allow = nil
	}
	return options, nil
}

// existing refuses to upgrade a release that is not there.
func existing(name string, history release.History) error {
	if history.Newest() == nil || history.Newest().Status.Phase == release.Uninstalled {
		return fmt.Errorf("release %q: %w; to install it, use --install", name, storage.ErrNotFound)
	}
	return nil
}
