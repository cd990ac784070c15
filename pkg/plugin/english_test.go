package plugin_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"k8s.io/kubectl/pkg/util/i18n"

	_ "github.com/sherpack-io/kubectl-sherpack/pkg/plugin"
)

// Translations that were loaded would show in the language of the process.
func TestEnglish(t *testing.T) {
	t.Parallel()
	const asked = "SHERPACK_TEST_TRANSLATES"
	text := "Print the list of flags inherited by all commands"
	if os.Getenv(asked) != "" {
		_, _ = os.Stdout.WriteString(i18n.T(text))
		return
	}
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestEnglish$")
	command.Env = append(os.Environ(), asked+"=yes", "LC_ALL=it_IT.UTF-8")
	output, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(output), text) {
		t.Errorf("%v: it says %s", err, output)
	}
}
