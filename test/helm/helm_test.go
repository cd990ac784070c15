package helm

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/cli/values"
	"helm.sh/helm/v4/pkg/getter"
	"helm.sh/helm/v4/pkg/kube"
	kubefake "helm.sh/helm/v4/pkg/kube/fake"
	"helm.sh/helm/v4/pkg/release"
	releasev1 "helm.sh/helm/v4/pkg/release/v1"
	"helm.sh/helm/v4/pkg/storage"
	"helm.sh/helm/v4/pkg/storage/driver"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
)

const (
	releaseName = "shop"
	metadata    = "apiVersion: v2\nname: shop\nversion: 1.0.0\n"
	// template prints all that templates see.
	template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: all}\nvalues: {{ toJson .Values }}\n"
)

// history makes the revisions of one release.
type history struct {
	config *action.Configuration
	// folder is where the files of the command lines are.
	folder string
	// pack and schema are those of the newest revision.
	pack, schema string
	// length is how many revisions there are.
	length int
}

func newHistory(secrets corev1.SecretInterface, folder string) *history {
	config := action.NewConfiguration()
	config.Releases = storage.Init(driver.NewSecrets(secrets))
	config.KubeClient = &kubefake.PrintingKubeClient{Out: io.Discard, LogOutput: io.Discard}
	config.Capabilities = common.DefaultCapabilities
	return &history{config: config, folder: folder}
}

// next makes a revision. What Helm refuses is a result; an error is one of this test.
func (h *history) next(from revision) (*result, error) {
	options, err := h.parse(from)
	if err != nil {
		return nil, err
	}
	h.pack, h.schema = cmp.Or(from.Pack, h.pack), cmp.Or(from.Schema, h.schema)
	made, err := h.make(options)
	if err != nil {
		return &result{Refused: strings.ReplaceAll(err.Error(), h.folder, "")}, nil
	}
	h.length++
	all, err := rendered(made)
	if err != nil {
		return nil, err
	}
	given, err := action.NewGetValues(h.config).Run(releaseName)
	return &result{Given: given, All: all}, err
}

// make does what helm install and helm upgrade do with the options.
func (h *history) make(options *options) (release.Releaser, error) {
	given, err := options.values.MergeValues(getter.Providers{})
	if err != nil {
		return nil, err
	}
	// Helm changes the chart it is given, so that each revision needs one of its own.
	loaded, err := h.load()
	if err != nil {
		return nil, err
	}
	if h.length == 0 {
		install := action.NewInstall(h.config)
		install.ReleaseName, install.Namespace, install.WaitStrategy = releaseName, "default", kube.HookOnlyStrategy
		return install.Run(loaded, given)
	}
	upgrade := action.NewUpgrade(h.config)
	upgrade.Namespace, upgrade.WaitStrategy = "default", kube.HookOnlyStrategy
	upgrade.ReuseValues, upgrade.ResetValues, upgrade.ResetThenReuseValues = options.reuse, options.reset, options.resetThenReuse
	return upgrade.Run(releaseName, loaded, given)
}

func (h *history) load() (*chart.Chart, error) {
	files := []*archive.BufferedFile{
		{Name: "Chart.yaml", Data: []byte(metadata)},
		{Name: "values.yaml", Data: []byte(h.pack)},
		{Name: "templates/all.yaml", Data: []byte(template)},
	}
	if h.schema != "" {
		files = append(files, &archive.BufferedFile{Name: "values.schema.json", Data: []byte(h.schema)})
	}
	return loader.LoadFiles(files)
}

// rendered returns the values that the templates of a release saw.
func rendered(made release.Releaser) (map[string]any, error) {
	accessible, ok := made.(*releasev1.Release)
	if !ok {
		return nil, fmt.Errorf("reading what was rendered: Helm returned a %T", made)
	}
	var object struct{ Values map[string]any }
	if err := yaml.Unmarshal([]byte(accessible.Manifest), &object); err != nil {
		return nil, fmt.Errorf("reading what was rendered: %w", err)
	}
	return object.Values, nil
}

// options are the flags of a command line.
type options struct {
	values                       values.Options
	reuse, reset, resetThenReuse bool
}

// parse writes the files of a revision and reads its flags, which have the names and types of Helm's.
func (h *history) parse(from revision) (*options, error) {
	var parsed options
	flags := pflag.NewFlagSet("helm", pflag.ContinueOnError)
	flags.StringSliceVarP(&parsed.values.ValueFiles, "values", "f", nil, "")
	flags.StringArrayVar(&parsed.values.Values, "set", nil, "")
	flags.StringArrayVar(&parsed.values.StringValues, "set-string", nil, "")
	flags.StringArrayVar(&parsed.values.JSONValues, "set-json", nil, "")
	flags.StringArrayVar(&parsed.values.FileValues, "set-file", nil, "")
	flags.BoolVar(&parsed.reuse, "reuse-values", false, "")
	flags.BoolVar(&parsed.reset, "reset-values", false, "")
	flags.BoolVar(&parsed.resetThenReuse, "reset-then-reuse-values", false, "")
	for name, content := range from.Files {
		if err := os.WriteFile(h.path(name), []byte(content), 0o600); err != nil {
			return nil, err
		}
	}
	var args []string
	for _, flag := range from.Flags {
		if _, piped := from.Files["-"]; piped && flag == "-" {
			// Helm reads the standard input of its process as it reads a file.
			flag = "$-"
		}
		args = append(args, os.Expand(flag, h.path))
	}
	err := flags.Parse(args)
	return &parsed, err
}

func (h *history) path(name string) string { return filepath.Join(h.folder, name) }
