package plugin

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

func TestOutput(t *testing.T) {
	t.Parallel()
	t.Run("which forms are for machines", formsForMachines)
	t.Run("releases as YAML and JSON cannot steer a terminal", releasesAsYAMLAndJSONCannotSteerATerminal)
}

func formsForMachines(t *testing.T) {
	t.Parallel()
	for form, want := range map[string]bool{"": false, "wide": false, "yaml": true, "json": true, "name": true, "jsonpath={.a}": true} {
		flags, _ := parse(t, "-o", form)
		if got := flags.Run.Output.ForMachines(); got != want {
			t.Errorf("-o %q is for machines: %v, want %v", form, got, want)
		}
	}
}

// What a cluster says of releases cannot turn a terminal either.
func releasesAsYAMLAndJSONCannotSteerATerminal(t *testing.T) {
	t.Parallel()
	hostile := "\x1b[2J\u009b2J\u202ex\u2066y\u200f"
	r := revision(1, release.Failed)
	r.Status.Message, r.Spec.Description = hostile, hostile
	r.Status.Hooks = []release.Hook{{Title: hostile, State: release.HookFailed, LogTail: hostile + "\n" + hostile}}
	for _, form := range []string{"yaml", "json", "kyaml", "JSON"} {
		for verb, print := range map[string]func(outputFlags, io.Writer) error{
			"status": func(flags outputFlags, out io.Writer) error { return flags.PrintRelease(r, out) },
			"list": func(flags outputFlags, out io.Writer) error {
				return flags.PrintReleases(release.History{r}, nil, out)
			},
		} {
			var out bytes.Buffer
			var flags outputFlags
			flags.AddFlags(&cobra.Command{})
			*flags.OutputFormat = form
			if err := print(flags, &out); err != nil {
				t.Fatal(err)
			}
			if text := out.String(); text == "" || text != printers.Clean(text) {
				t.Errorf("%s -o %s prints %q", verb, form, text)
			}
			if got := map[string]any{}; yaml.Unmarshal(out.Bytes(), &got) != nil || !strings.Contains(fmt.Sprint(got), hostile) {
				t.Errorf("%s -o %s does not mean the same: %v", verb, form, got)
			}
		}
	}
}
