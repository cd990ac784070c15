package plugin_test

import (
	"bytes"
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plugin"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	type version struct{ Version, Commit, Date, GoVersion, Platform string }
	build := plugin.Build{Version: "v1.2.3", Commit: "abc", Date: "2026-03-01T10:00:00Z"}
	want := version{"v1.2.3", "abc", "2026-03-01T10:00:00Z", runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
	for _, format := range []string{"json", "yaml"} {
		var out, errs bytes.Buffer
		streams := genericiooptions.IOStreams{Out: &out, ErrOut: &errs}
		if code := plugin.Main(t.Context(), []string{"version", "-o", format}, streams, build); code != 0 {
			t.Fatalf("%s: exit code %d: %s", format, code, errs.String())
		}
		if got := json.Valid(out.Bytes()); got != (format == "json") {
			t.Errorf("-o %s prints JSON: %v", format, got)
		}
		var got version
		if err := yaml.UnmarshalStrict(out.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
	}
	stdout, stderr, code := run(t, "version")
	if stdout != "kubectl-sherpack v0.0.0-test\n" || stderr != "" || code != 0 {
		t.Errorf("it prints %q and %q, exit code %d", stdout, stderr, code)
	}
	stdout, _, _ = run(t, "version", "-o", "json")
	for _, unknown := range []string{"commit", "date"} {
		if strings.Contains(stdout, unknown) {
			t.Errorf("%s is not known, and shown:\n%s", unknown, stdout)
		}
	}
}
