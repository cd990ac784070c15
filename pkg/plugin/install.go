package plugin

import (
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

func newInstallCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	flags := DeployFlags{Run: RunFlags{Getter: getter, IOStreams: streams, Asks: beforeChanges}}
	command := &cobra.Command{
		Use:   "install NAME PACK",
		Short: "Install a pack as a release",
		Long: templates.LongDesc(`
			Install a pack (a folder or a .tgz archive) as a release.

			pre-install hooks run before the application is applied, post-install hooks after it. If something fails, the
			release is marked as failed and nothing is deleted: fix the pack and rerun install, or use --atomic to uninstall
			it right away.`),
		Example: templates.Examples(`
			# Install the pack in the folder shop as release myshop
			kubectl sherpack install myshop ./shop

			# Create the namespace, override values, and wait until everything is ready
			kubectl sherpack install myshop ./shop -n web --create-namespace -f production.yaml --set replicas=3 --wait

			# Skip the hooks that run after the installation
			kubectl sherpack install myshop ./shop --skip-hooks post-install`),
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			options, err := flags.ToOptions(cmd, args)
			if err != nil {
				return err
			}
			options.Verb = DeployVerb{Operation: release.OperationInstall, Allow: onlyNew}
			return options.Run(cmd.Context())
		},
	}
	flags.AddFlags(command)
	return command
}

// onlyNew refuses to install a release that is there already.
func onlyNew(name string, history release.History) error {
	if plan.Next(history) == release.OperationInstall {
		return nil
	}
	newest := history.Newest()
	return fmt.Errorf("release %q in namespace %q is already installed (revision %d is %s); to change it, use upgrade",
		name, newest.Namespace, newest.Spec.Revision, state(newest))
}
