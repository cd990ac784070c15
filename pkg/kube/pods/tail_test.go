package pods_test

import (
	"strings"
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/pods"
)

func TestTail(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3000)
	for name, test := range map[string]struct{ in, want string }{
		"nothing":                     {"", ""},
		"a line":                      {"oops\n", "oops"},
		"the last 20 lines":           {strings.Repeat("a\n", 5) + strings.Repeat("b\n", 20), strings.TrimSuffix(strings.Repeat("b\n", 20), "\n")},
		"whole lines where they fit":  {long + "\n" + long + "\nend\n", long + "\nend"},
		"the end of one that is long": {strings.Repeat("é", 4000), strings.Repeat("é", 2048)},
		"no half character":           {strings.Repeat("é", 4000) + "x", strings.Repeat("é", 2047) + "x"},
		"valid text":                  {"a\xffb", "a\uFFFDb"},
	} {
		if got := pods.Tail(test.in); got != test.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}
