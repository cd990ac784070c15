package plugin

import (
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"
	"sigs.k8s.io/yaml"
)

// versionOf is what version prints.
type versionOf struct {
	Build
	GoVersion string `json:"goVersion"`
	Platform  string `json:"platform"`
}

func newVersionCommand(streams genericiooptions.IOStreams, build Build) *cobra.Command {
	output := ""
	command := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program",
		Example: templates.Examples(`
			# Print the version
			kubectl sherpack version`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found := versionOf{Build: build, GoVersion: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
			text, err := found.format(output)
			if err != nil {
				return &UsageError{cmd.CommandPath(), err}
			}
			_, err = fmt.Fprintln(streams.Out, text)
			return err
		},
	}
	command.Flags().StringVarP(&output, "output", "o", output, "One of 'yaml' or 'json'.")
	return command
}

func (v versionOf) format(output string) (string, error) {
	var text []byte
	var err error
	switch output {
	case "":
		return "kubectl-sherpack " + v.Version, nil
	case "json":
		text, err = json.MarshalIndent(v, "", "  ")
	case "yaml":
		text, err = yaml.Marshal(v)
	default:
		err = fmt.Errorf("--output %q: must be 'yaml' or 'json'", output)
	}
	return string(text), err
}
