package plugin

import (
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
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

// TemplateFlags are the flags of template.
type TemplateFlags struct {
	Values      valuesFlags
	KubeVersion string
	APIVersions []string
	IsUpgrade   bool
	NoHooks     bool
}

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
	var flags TemplateFlags
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
			options, err := flags.ToOptions(args, getter)
			if err != nil {
				return err
			}
			options.IOStreams = streams
			return options.Run()
		},
	}
	flags.AddFlags(command.Flags())
	return command
}

// AddFlags adds the flags.
func (f *TemplateFlags) AddFlags(flags *pflag.FlagSet) {
	f.Values.AddFlags(flags)
	flags.StringVar(&f.KubeVersion, "kube-version", defaultKubeVersion, "The version of Kubernetes to render for.")
	flags.StringSliceVar(&f.APIVersions, "api-versions", nil,
		"API versions that the cluster serves besides Kubernetes' own, as in example.com/v1 or example.com/v1/Widget. Can be repeated.")
	flags.BoolVar(&f.IsUpgrade, "is-upgrade", false, "Render as for an upgrade.")
	flags.BoolVar(&f.NoHooks, "no-hooks", false, "Leave out the hooks.")
}

// ToOptions completes the flags.
func (f *TemplateFlags) ToOptions(args []string, getter genericclioptions.RESTClientGetter) (*TemplateOptions, error) {
	name, err := releaseName(args[0])
	if err != nil {
		return nil, err
	}
	namespace, _, err := getter.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, configError{err}
	}
	return &TemplateOptions{
		Name: name, PackPath: args[1], Namespace: namespace, Values: f.Values.ValueSources,
		KubeVersion: f.KubeVersion, APIVersions: f.APIVersions, IsUpgrade: f.IsUpgrade, NoHooks: f.NoHooks,
	}, nil
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
