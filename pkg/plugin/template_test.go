package plugin_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plugin"
)

func run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var in, out, errs bytes.Buffer
	streams := genericiooptions.IOStreams{In: &in, Out: &out, ErrOut: &errs}
	code = plugin.Main(t.Context(), args, streams, plugin.Build{Version: "v0.0.0-test"})
	return out.String(), errs.String(), code
}

func TestRenderingIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	first, stderr, code := run(t, "template", "shop", "../../examples/shop", "--kubeconfig", os.DevNull)
	if code != 0 || first == "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for range 99 {
		again, _, _ := run(t, "template", "shop", "../../examples/shop", "--kubeconfig", os.DevNull)
		if diff := cmp.Diff(first, again); diff != "" {
			t.Fatal(diff)
		}
	}
}
