package plugin_test

import (
	"os"
	"strings"
	"testing"
)

// What cannot be a time is a mistake in the command line, of every verb, and not the cluster's fault.
func TestARequestTimeoutThatIsNoTimeIsInvalidInput(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"list"}, {"status", "a"}, {"uninstall", "a"}, {"template", "shop", "../../examples/shop"}} {
		for _, value := range []string{"bogus", "-5", "-5s", "5 s"} {
			_, stderr, code := run(t, append(args, "--kubeconfig", os.DevNull, "--request-timeout", value)...)
			if code != 2 || !strings.Contains(stderr, "--request-timeout") {
				t.Errorf("%v %q: exit code %d: %s", args, value, code, stderr)
			}
		}
	}
	for _, value := range []string{"", "0", "5", "1m30s"} {
		if _, stderr, code := run(t, "template", "shop", "../../examples/shop", "--kubeconfig", os.DevNull, "--request-timeout", value); code != 0 {
			t.Errorf("%q: exit code %d: %s", value, code, stderr)
		}
	}
}
