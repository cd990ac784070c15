package plugin

import (
	"errors"
	"fmt"
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

// TemplateFlags are the flags of template.
type TemplateFlags struct {
	Values    valuesFlags
	Assumed   assumedFlags
	IsUpgrade bool
	NoHooks   bool
	ShowOnly  []string
	OutputDir string
	Explain   string
	Output    contentFlags
}

// TemplateOptions are what template needs.
type TemplateOptions struct {
	Release  render.Release
	PackPath string
	Values   valuesFlags
	Assumed  assumedFlags
	NoHooks  bool
	// ShowOnly are the files whose resources are wanted, or patterns of them; empty means all.
	ShowOnly []string
	// OutputDir is the folder to write to; "" prints.
	OutputDir string
	// Explain is the path of the values to explain, as --set takes it, instead of rendering; allValues means all, "" none.
	Explain string
	Output  contentFlags
	genericiooptions.IOStreams
}

const (
	explainFlag = "explain-values"
	// allValues is the path of all values.
	allValues = "."
)

func newTemplateCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	flags := TemplateFlags{Output: newContentFlags(true)}
	command := &cobra.Command{
		Use:   "template NAME PACK [PATH]",
		Short: "Render a pack and print its manifest",
		Long: templates.LongDesc(`
			Render a pack and print its manifest, hooks included, without a cluster: lookup finds nothing, and the
			Kubernetes version is that of --kube-version. Whatever install would refuse without asking the cluster is
			refused here, too.

			With --explain-values, print where each value comes from instead, or only the values below PATH.`),
		Example: templates.Examples(`
			# See what would be installed
			kubectl sherpack template myshop ./shop --set replicas=3

			# Render as for an upgrade on an older cluster
			kubectl sherpack template myshop ./shop --is-upgrade --kube-version 1.30

			# Render one template only
			kubectl sherpack template myshop ./shop -s templates/service.yaml

			# Print the names of the objects
			kubectl sherpack template myshop ./shop -o name

			# Write one file per template to the folder rendered/shop
			kubectl sherpack template myshop ./shop --output-dir rendered

			# See which file, flag or default the values below image come from
			kubectl sherpack template myshop ./shop -f production.yaml --explain-values image`),
		Args: cobra.RangeArgs(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			options, err := flags.ToOptions(cmd, args, getter)
			if err != nil {
				return err
			}
			options.IOStreams = streams
			return options.Run()
		},
	}
	flags.AddFlags(command)
	return command
}

// AddFlags adds the flags.
func (f *TemplateFlags) AddFlags(command *cobra.Command) {
	flags := command.Flags()
	f.Values.AddFlags(flags)
	f.Assumed.AddFlags(flags)
	flags.BoolVar(&f.IsUpgrade, "is-upgrade", false, "Render as for an upgrade.")
	flags.BoolVar(&f.NoHooks, "no-hooks", false, "Skip the hooks.")
	flags.StringArrayVarP(&f.ShowOnly, "show-only", "s", nil,
		"Print only the output of this template, such as templates/service.yaml; * matches any name. Can be repeated.")
	flags.StringVar(&f.OutputDir, "output-dir", "", "Write one file per template to this folder instead of printing the manifest.")
	flags.StringVar(&f.Explain, explainFlag, "",
		"Print where each value comes from, and which values it overrides, instead of the manifest. A PATH, such as image.tag, limits the output to that part.")
	flags.Lookup(explainFlag).NoOptDefVal = allValues
	f.Output.AddFlags(command)
	// It is kubectl's, whose short form is taken. No server is asked here.
	flags.String("server", "", "The address and port of the Kubernetes API server")
	flags.Lookup("server").Hidden = true
}

// ToOptions checks the flags and completes them.
func (f *TemplateFlags) ToOptions(command *cobra.Command, args []string, getter genericclioptions.RESTClientGetter) (*TemplateOptions, error) {
	if err := f.Output.Check(command); err != nil {
		return nil, err
	}
	if f.OutputDir != "" && f.Output.ForMachines() {
		return nil, &UsageError{command.CommandPath(), errOutputTwice}
	}
	explain, err := f.explainedPath(args[2:])
	if err != nil {
		return nil, &UsageError{command.CommandPath(), err}
	}
	name, err := releaseName(args[0])
	if err != nil {
		return nil, err
	}
	namespace, _, err := getter.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, configError{err}
	}
	return &TemplateOptions{
		Release:  render.Release{Name: name, Namespace: namespace, Revision: 1, IsInstall: !f.IsUpgrade, IsUpgrade: f.IsUpgrade},
		PackPath: args[1], Values: f.Values, Assumed: f.Assumed, NoHooks: f.NoHooks,
		ShowOnly: f.ShowOnly, OutputDir: f.OutputDir, Explain: explain, Output: f.Output,
	}, nil
}

// explainedPath returns the path of the values to explain, which may follow --explain-values as an argument.
func (f *TemplateFlags) explainedPath(args []string) (string, error) {
	switch {
	case f.Explain != "" && f.OutputDir != "":
		return "", errors.New("--explain-values prints no manifest that --output-dir could write; use only one of the two")
	case len(args) == 0:
		return f.Explain, nil
	case f.Explain != allValues:
		return "", fmt.Errorf("%q: only --explain-values takes a PATH", args[0])
	}
	return args[0], nil
}

// Run prints the manifest, or writes it to files.
func (o *TemplateOptions) Run() error {
	source, capabilities, err := o.Assumed.Load(o.PackPath, o.Values, o.In)
	if err != nil {
		return err
	}
	said := &warnings{out: o.ErrOut}
	source.WarnOfUnread(said)
	if o.Explain != "" {
		return o.explain(source)
	}
	result, err := source.Render(render.Engine{Capabilities: capabilities}, o.Release, said)
	if err != nil {
		return err
	}
	if err := plan.Check(result.Nodes, o.Release.Namespace); err != nil {
		return err
	}
	nodes, err := o.choose(source.source.Templates(), result.Nodes)
	if err != nil {
		return err
	}
	return o.print(source.Pack(), nodes)
}

// explain prints where the values come from.
func (o *TemplateOptions) explain(source *input) error {
	format, err := formOfValues("--explain-values", o.Output)
	if err != nil {
		return err
	}
	explained := explainValues(source.Origins(), source.Merged())
	if o.Explain != allValues {
		path, err := pack.ParseSetPath(o.Explain)
		if err != nil {
			return inputError{fmt.Errorf("--explain-values: %w", err)}
		}
		if explained, err = below(explained, path, source.Merged()); err != nil {
			return inputError{fmt.Errorf("--explain-values: %w", err)}
		}
	}
	return printExplained(explained, format, o.Out)
}

// choose returns the resources that are wanted. known are the names of all templates.
func (o *TemplateOptions) choose(known []string, nodes []*yaml.RNode) ([]*yaml.RNode, error) {
	if o.NoHooks {
		regular, err := hook.Select{Regular: true}.Filter(nodes)
		if err != nil {
			return nil, err
		}
		nodes = regular
	}
	if len(o.ShowOnly) > 0 {
		return only(o.ShowOnly, known, nodes)
	}
	return nodes, nil
}

func (o *TemplateOptions) print(p *pack.Pack, nodes []*yaml.RNode) error {
	switch {
	case o.OutputDir != "":
		return writeFiles(o.OutputDir, p.Metadata.Name, nodes, o.Out)
	case o.Output.ForMachines():
		objects, err := list(nodes)
		if err != nil {
			return err
		}
		return o.Output.Print(objects, o.Out)
	}
	text, err := manifest.Encode(nodes)
	if err != nil {
		return err
	}
	_, err = io.WriteString(o.Out, text)
	return err
}
