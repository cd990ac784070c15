package plugin

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensionsv1beta1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

// defaultKubeVersion is the version of the cluster that packs are rendered for when none is named: that of the libraries.
const defaultKubeVersion = "v1.37.0"

const (
	kubeVersionFlag = "kube-version"
	apiVersionsFlag = "api-versions"
)

// assumedFlags say what to assume of a cluster that is not asked.
type assumedFlags struct {
	KubeVersion string
	APIVersions []string
}

// AddFlags adds --kube-version and --api-versions.
func (f *assumedFlags) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.KubeVersion, kubeVersionFlag, defaultKubeVersion, "Kubernetes version to render for.")
	flags.StringSliceVar(&f.APIVersions, apiVersionsFlag, nil,
		"Additional API versions that the cluster serves, such as example.com/v1 or example.com/v1/Widget. Can be repeated.")
}

// Capabilities are those of the cluster: it has that version, and serves all that this program knows, as Helm has it, and what was
// named.
func (f *assumedFlags) Capabilities() (render.Capabilities, error) {
	parsed, err := version.ParseGeneric(f.KubeVersion)
	if err != nil {
		return render.Capabilities{}, inputError{fmt.Errorf("--%s %q: %w", kubeVersionFlag, f.KubeVersion, err)}
	}
	found := render.Capabilities{
		// As it was given, as with Helm: the rest of a version, such as -gke.1, tells of the provider.
		KubeVersion: render.KubeVersion{
			Version: "v" + strings.TrimPrefix(f.KubeVersion, "v"), Major: fmt.Sprint(parsed.Major()), Minor: fmt.Sprint(parsed.Minor()),
		},
		APIVersions: slices.Clone(f.APIVersions),
	}
	compiled, err := compiledKinds()
	if err != nil {
		return found, err
	}
	for gvk := range compiled.AllKnownTypes() {
		if gvk.Version == runtime.APIVersionInternal {
			continue
		}
		found.APIVersions = append(found.APIVersions, gvk.GroupVersion().String(), gvk.GroupVersion().String()+"/"+gvk.Kind)
	}
	slices.Sort(found.APIVersions)
	found.APIVersions = slices.Compact(found.APIVersions)
	return found, nil
}

// compiledKinds returns the kinds of Kubernetes that this program knows, those of custom resource definitions included.
func compiledKinds() (*runtime.Scheme, error) {
	kinds := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, apiextensionsv1.AddToScheme, apiextensionsv1beta1.AddToScheme} {
		if err := add(kinds); err != nil {
			return nil, fmt.Errorf("collecting the kinds of Kubernetes: %w", err)
		}
	}
	return kinds, nil
}

// Load reads a pack with its values for the cluster that is assumed, and refuses one that does not support that.
func (f *assumedFlags) Load(packPath string, values valuesFlags, stdin io.Reader) (*input, render.Capabilities, error) {
	source, err := loadInput(packPath, values, stdin)
	if err != nil {
		return nil, render.Capabilities{}, err
	}
	if err := source.Merge(); err != nil {
		return nil, render.Capabilities{}, err
	}
	if err := source.CheckRead(); err != nil {
		return nil, render.Capabilities{}, err
	}
	capabilities, err := f.Capabilities()
	if err != nil {
		return nil, render.Capabilities{}, err
	}
	if source.source.IsChart() {
		capabilities.APIVersions = f.withoutKinds(capabilities.APIVersions)
	}
	if err := source.Pack().SupportsKube(capabilities.KubeVersion.Version); err != nil {
		return nil, render.Capabilities{}, inputError{err}
	}
	return source, capabilities, nil
}

// withoutKinds drops the kinds that were not named, of which Helm knows none without a cluster: some charts choose an older API
// then, and what is printed of one is what Helm prints.
func (f *assumedFlags) withoutKinds(apiVersions []string) []string {
	return slices.DeleteFunc(apiVersions, func(name string) bool {
		// As in v1/Pod and apps/v1/Deployment.
		isKind := path.Base(name) != strings.ToLower(path.Base(name))
		return isKind && !slices.Contains(f.APIVersions, name)
	})
}
