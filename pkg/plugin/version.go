package plugin

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"
)

// versionOf is what version prints.
type versionOf struct {
	Build
	GoVersion string `json:"goVersion"`
	Platform  string `json:"platform"`
}

func newVersionCommand(streams genericiooptions.IOStreams, build Build) *cobra.Command {
	var output dataFormat
	command := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program",
		Example: templates.Examples(`
			# Print the version
			kubectl sherpack version`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := output.Check(cmd); err != nil {
				return err
			}
			if output.ForMachines() {
				found := versionOf{Build: build, GoVersion: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
				return output.Print(found, streams.Out)
			}
			_, err := fmt.Fprintln(streams.Out, "kubectl-sherpack "+build.Version)
			return err
		},
	}
	output.AddFlags(command)
	return command
}
