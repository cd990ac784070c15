package plugin

import (
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

// ImagesFlags are the flags of images.
type ImagesFlags struct {
	Values  valuesFlags
	Assumed assumedFlags
	Output  dataFormat
}

// ImagesOptions are what images needs.
type ImagesOptions struct {
	PackPath  string
	Namespace string
	Values    valuesFlags
	Assumed   assumedFlags
	Output    dataFormat
	genericiooptions.IOStreams
}

func newImagesCommand(getter genericclioptions.RESTClientGetter, streams genericiooptions.IOStreams) *cobra.Command {
	var flags ImagesFlags
	command := &cobra.Command{
		Use:   "images PACK",
		Short: "List the images of a pack",
		Long: templates.LongDesc(`
			List the images used by the Pods of a pack, including hooks of all phases, for install and upgrade. The cluster
			is not contacted. Images in custom resources are not found.`),
		Example: templates.Examples(`
			# List the images of the pack in the folder shop
			kubectl sherpack images ./shop

			# Use other values, and print where each image is used
			kubectl sherpack images ./shop -f production.yaml -o json`),
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			options, err := flags.ToOptions(cmd, args, getter)
			if err != nil {
				return err
			}
			options.IOStreams = streams
			return options.Run()
		},
	}
	flags.Values.AddFlags(command.Flags())
	flags.Assumed.AddFlags(command.Flags())
	flags.Output.AddFlags(command)
	return command
}

// ToOptions checks the flags and completes them.
func (f *ImagesFlags) ToOptions(command *cobra.Command, args []string, getter genericclioptions.RESTClientGetter) (*ImagesOptions, error) {
	if err := f.Output.Check(command); err != nil {
		return nil, err
	}
	namespace, _, err := getter.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, configError{err}
	}
	return &ImagesOptions{PackPath: args[0], Namespace: namespace, Values: f.Values, Assumed: f.Assumed, Output: f.Output}, nil
}

// Run prints the images.
func (o *ImagesOptions) Run() error {
	source, capabilities, err := o.Assumed.Load(o.PackPath, o.Values, o.In)
	if err != nil {
		return err
	}
	said := &warnings{out: o.ErrOut}
	source.WarnOfUnread(said)
	found := imageList{}
	for _, isUpgrade := range []bool{false, true} {
		result, err := source.Render(render.Engine{Capabilities: capabilities}, render.Release{
			Name: "release-name", Namespace: o.Namespace, Revision: 1, IsInstall: !isUpgrade, IsUpgrade: isUpgrade,
		}, said)
		if err != nil {
			return err
		}
		if err := found.add(result.Nodes); err != nil {
			return err
		}
	}
	return o.print(found)
}

func (o *ImagesOptions) print(found imageList) error {
	if o.Output.ForMachines() {
		return o.Output.Print(map[string]any{"images": found.sorted()}, o.Out)
	}
	for _, image := range found.sorted() {
		if _, err := fmt.Fprintln(o.Out, printers.Clean(image.Image)); err != nil {
			return err
		}
	}
	return nil
}

// image is an image with where it is used.
type image struct {
	Image  string     `json:"image"`
	UsedBy []imageUse `json:"usedBy"`
}

// imageUse is a container that runs an image, or a volume that has its files.
type imageUse struct {
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Container string `json:"container,omitempty"`
	Volume    string `json:"volume,omitempty"`
	File      string `json:"file"`
	// Phases are those of a hook.
	Phases []hook.Phase `json:"phases,omitempty"`
}

// imageList are images by their names.
type imageList map[string][]imageUse

func (l imageList) sorted() []image {
	images := []image{}
	for _, name := range slices.Sorted(maps.Keys(l)) {
		images = append(images, image{name, l[name]})
	}
	return images
}

// add adds the images of all Pods in a manifest.
func (l imageList) add(nodes []*yaml.RNode) error {
	hooks, regular, err := hook.Split(nodes)
	if err != nil {
		return err
	}
	for _, node := range regular {
		hooks = append(hooks, hook.Hook{Node: node})
	}
	for _, h := range hooks {
		object, err := manifest.NewObject(h.Node)
		if err != nil {
			return err
		}
		l.addPod(object, h.Phases)
	}
	return nil
}

// addPod adds the images of the Pods of an object, if it has any.
func (l imageList) addPod(object manifest.Object, phases []hook.Phase) {
	spec, found := object.PodSpec()
	if !found {
		return
	}
	use := imageUse{Kind: object.GetKind(), Name: object.GetName() + object.GetGenerateName(), File: object.File, Phases: phases}
	for _, container := range slices.Concat(spec.InitContainers, spec.Containers) {
		use.Container = container.Name
		l.use(container.Image, use)
	}
	for _, container := range spec.EphemeralContainers {
		use.Container = container.Name
		l.use(container.Image, use)
	}
	for _, volume := range spec.Volumes {
		if volume.Image != nil {
			use.Container, use.Volume = "", volume.Name
			l.use(volume.Image.Reference, use)
		}
	}
}

// use adds a use of an image, once: an upgrade has most that an installation has.
func (l imageList) use(name string, use imageUse) {
	same := func(other imageUse) bool {
		return other.Kind == use.Kind && other.Name == use.Name && other.Container == use.Container && other.Volume == use.Volume && other.File == use.File
	}
	if name != "" && !slices.ContainsFunc(l[name], same) {
		l[name] = append(l[name], use)
	}
}
