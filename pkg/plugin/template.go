package plugin

import (
	"io"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

// TemplateOptions are what template needs.
type TemplateOptions struct {
	Name        string
	PackPath    string
	Namespace   string
	Values      pack.ValueSources
	KubeVersion string
	APIVersions []string
	IsUpgrade   bool
	NoHooks     bool
	genericiooptions.IOStreams
}

func newTemplateCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	var values valuesFlags
	options := TemplateOptions{KubeVersion: defaultKubeVersion, IOStreams: streams}
	command := &cobra.Command{
		Use:   "template NAME PACK",
		Short: "Render a pack and print its manifest",
		Long: templates.LongDesc(`
			Render a pack and print its manifest, hooks included. No cluster is asked: lookup finds nothing there, and the
			version of Kubernetes is the one given. What install would refuse before it asks a cluster is refused here too.`),
		Example: templates.Examples(`
			# See what would be installed
			kubectl sherpack template myshop ./shop --set replicas=3

			# As for an upgrade, on an older cluster
			kubectl sherpack template myshop ./shop --is-upgrade --kube-version 1.30`),
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := options.complete(args, getter); err != nil {
				return err
			}
			options.Values = values.ValueSources
			return options.Run()
		},
	}
	values.AddFlags(command.Flags())
	command.Flags().StringVar(&options.KubeVersion, "kube-version", options.KubeVersion, "The version of Kubernetes to render for.")
	command.Flags().StringSliceVar(&options.APIVersions, "api-versions", nil,
		"API versions that the cluster serves besides Kubernetes' own, as in example.com/v1 or example.com/v1/Widget. Can be repeated.")
	command.Flags().BoolVar(&options.IsUpgrade, "is-upgrade", false, "Render as for an upgrade.")
	command.Flags().BoolVar(&options.NoHooks, "no-hooks", false, "Leave out the hooks.")
	return command
}

func (o *TemplateOptions) complete(args []string, getter genericclioptions.RESTClientGetter) error {
	name, err := releaseName(args[0])
	if err != nil {
		return err
	}
	o.Name, o.PackPath = name, args[1]
	if o.Namespace, _, err = getter.ToRawKubeConfigLoader().Namespace(); err != nil {
		return configError{err}
	}
	return nil
}

// Run prints the manifest.
func (o *TemplateOptions) Run() error {
	source, err := loadInput(o.PackPath, o.Values, o.In)
	if err != nil {
		return err
	}
	if err := source.Merge(); err != nil {
		return err
	}
	capabilities, err := assumedCapabilities(o.KubeVersion, o.APIVersions)
	if err != nil {
		return err
	}
	if err := source.pack.SupportsKube(capabilities.KubeVersion.Version); err != nil {
		return inputError{err}
	}
	result, err := source.Render(render.Engine{Capabilities: capabilities}, render.Release{
		Name: o.Name, Namespace: o.Namespace, Revision: 1, IsInstall: !o.IsUpgrade, IsUpgrade: o.IsUpgrade,
	})
	if err != nil {
		return err
	}
	if err := plan.Check(result.nodes, o.Namespace); err != nil {
		return err
	}
	text, err := o.encode(result.nodes)
	if err != nil {
		return err
	}
	_, err = io.WriteString(o.Out, text)
	return err
}

func (o *TemplateOptions) encode(nodes []*yaml.RNode) (string, error) {
	if o.NoHooks {
		regular, err := hook.Select{Regular: true}.Filter(nodes)
		if err != nil {
			return "", err
		}
		nodes = regular
	}
	return manifest.Encode(nodes)
}
