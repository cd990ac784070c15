package plugin_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
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
	t.Run("that of the client for machines", versionOfTheClientForMachines)
	t.Run("that of the client for people", versionOfTheClientForPeople)
	t.Run("that of the server, and what the two can do", versionOfTheServer)
	t.Run("a server that is too old is warned of", versionOfAnOldServer)
	t.Run("that of the client is printed where the server is out of reach", versionWithoutAServer)
	t.Run("the root command answers to --version", versionOfTheRootCommand)
	t.Run("a build that the linker was told nothing of", buildWithoutALinker)
}

// build is one of which all is known.
func build() plugin.Build {
	return plugin.Build{Version: "v1.2.3", Commit: "abc", Date: "2026-03-01T10:00:00Z"}
}

// platform is that of this process.
const platform = runtime.GOOS + "/" + runtime.GOARCH

// runBuild runs the command line of a build.
func runBuild(t *testing.T, build plugin.Build, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	streams := genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errs}
	code = plugin.Main(t.Context(), args, streams, build)
	return out.String(), errs.String(), code
}

func versionOfTheClientForMachines(t *testing.T) {
	t.Parallel()
	type version struct{ Version, Commit, Date, GoVersion, Platform string }
	want := version{"v1.2.3", "abc", "2026-03-01T10:00:00Z", runtime.Version(), platform}
	for _, format := range []string{"json", "yaml"} {
		stdout, stderr, code := runBuild(t, build(), "version", "--client", "-o", format)
		if code != 0 || stderr != "" {
			t.Fatalf("%s: exit code %d: %s", format, code, stderr)
		}
		if got := json.Valid([]byte(stdout)); got != (format == "json") {
			t.Errorf("-o %s prints JSON: %v", format, got)
		}
		var got version
		if err := yaml.UnmarshalStrict([]byte(stdout), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
	}
	stdout, _, _ := run(t, "version", "--client", "-o", "json")
	for _, unknown := range []string{"commit", "date"} {
		if strings.Contains(stdout, unknown) {
			t.Errorf("%s is not known, and shown:\n%s", unknown, stdout)
		}
	}
}

// text is the part of the client.
func text() string {
	return "Client Version: v1.2.3\nCommit: abc\nDate: 2026-03-01T10:00:00Z\nGo Version: " + runtime.Version() + "\nPlatform: " + platform + "\n"
}

func versionOfTheClientForPeople(t *testing.T) {
	t.Parallel()
	stdout, stderr, code := runBuild(t, build(), "version", "--client")
	if stdout != text() || stderr != "" || code != 0 {
		t.Errorf("exit code %d, it prints %q and %q", code, stdout, stderr)
	}
	stdout, _, _ = run(t, "version", "--client")
	want := "Client Version: v0.0.0-test\nGo Version: " + runtime.Version() + "\nPlatform: " + platform + "\n"
	if diff := cmp.Diff(want, stdout); diff != "" {
		t.Errorf("of an unknown commit (-want +got):\n%s", diff)
	}
}

// apiServer is as much of an API server as version asks for.
type apiServer struct {
	version string
	// aggregates, streams and forbids say what it can do.
	aggregates, streams, forbids bool
}

func (s apiServer) start(t *testing.T) []string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	return []string{"--server", server.URL, "--kubeconfig", os.DevNull}
}

func (s apiServer) serve(w http.ResponseWriter, request *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	refuse := func(code int, reason string) {
		w.WriteHeader(code)
		_, _ = fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"code":%d}`, reason, code)
	}
	switch {
	case request.URL.Path == "/version":
		_, _ = fmt.Fprintf(w, `{"major":"1","minor":"36","gitVersion":%q}`, s.version)
	case s.forbids:
		refuse(http.StatusForbidden, "Forbidden")
	case request.URL.Path == "/apis":
		if form := "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"; s.aggregates && strings.Contains(request.Header.Get("Accept"), form) {
			w.Header().Set("Content-Type", form)
		}
		_, _ = fmt.Fprint(w, `{}`)
	case request.URL.Path == "/api/v1/namespaces/web/pods" && request.URL.Query().Get("sendInitialEvents") == "true":
		if !s.streams {
			refuse(http.StatusUnprocessableEntity, "Invalid")
		}
	default:
		refuse(http.StatusNotFound, "NotFound")
	}
}

func versionOfTheServer(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		server apiServer
		text   string
		json   map[string]any
	}{
		"a new one": {
			apiServer{version: "v1.36.3", aggregates: true, streams: true},
			"Server Version: v1.36.3\nFeatures:\n  Strict field validation: yes\n  Aggregated discovery: yes\n  Streaming lists: yes\n",
			map[string]any{"fieldValidation": true, "aggregatedDiscovery": true, "streamingLists": true},
		},
		"one that lacks something": {
			apiServer{version: "v1.30.0"},
			"Server Version: v1.30.0\nFeatures:\n  Strict field validation: yes\n  Aggregated discovery: no\n  Streaming lists: no\n",
			map[string]any{"fieldValidation": true, "aggregatedDiscovery": false, "streamingLists": false},
		},
		"one that says little": {
			apiServer{version: "v1.31.5-eks-1", forbids: true},
			"Server Version: v1.31.5-eks-1\nFeatures:\n  Strict field validation: yes\n  Aggregated discovery: unknown\n  Streaming lists: unknown\n",
			map[string]any{"fieldValidation": true},
		},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			at := test.server.start(t)
			stdout, stderr, code := runBuild(t, build(), append(at, "version", "-n", "web")...)
			if code != 0 || stderr != "" {
				t.Errorf("exit code %d: %s", code, stderr)
			}
			if diff := cmp.Diff(text()+test.text, stdout); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			stdout, _, _ = runBuild(t, build(), append(at, "version", "-n", "web", "-o", "json")...)
			var got struct {
				Version       string
				ServerVersion struct{ GitVersion string }
				Features      map[string]any
			}
			if err := json.Unmarshal([]byte(stdout), &got); err != nil {
				t.Fatal(err)
			}
			if got.Version != "v1.2.3" || got.ServerVersion.GitVersion != test.server.version {
				t.Errorf("the versions are %+v", got)
			}
			if diff := cmp.Diff(test.json, got.Features); diff != "" {
				t.Errorf("features (-want +got):\n%s", diff)
			}
		})
	}
}

func versionOfAnOldServer(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"v1.29.9":       "warning: the server's version v1.29.9 is older than v1.30, the oldest that is supported\n",
		"v1.30.0-gke.1": "",
		"next":          "",
	} {
		stdout, stderr, code := runBuild(t, build(), append(apiServer{version: version}.start(t), "version")...)
		if code != 0 || stderr != want || !strings.Contains(stdout, "Server Version: "+version+"\n") {
			t.Errorf("exit code %d, it prints %q and %q, want %q", code, stdout, stderr, want)
		}
	}
}

func versionWithoutAServer(t *testing.T) {
	t.Parallel()
	stdout, stderr, code := runBuild(t, build(), "version", "--server", "http://127.0.0.1:1", "--kubeconfig", os.DevNull)
	if code != 5 || stdout != text() || !strings.HasPrefix(stderr, "error: asking the server's version: ") {
		t.Errorf("exit code %d, it prints %q and %q", code, stdout, stderr)
	}
	stdout, stderr, code = runBuild(t, build(), "version", "--context", "none", "--kubeconfig", os.DevNull)
	if code != 5 || stdout != text() || !strings.Contains(stderr, "context was not found for specified context: none") {
		t.Errorf("without a context: exit code %d, it prints %q and %q", code, stdout, stderr)
	}
}

func versionOfTheRootCommand(t *testing.T) {
	t.Parallel()
	stdout, stderr, code := runBuild(t, build(), "--version")
	if stdout != "kubectl-sherpack v1.2.3\n" || stderr != "" || code != 0 {
		t.Errorf("exit code %d, it prints %q and %q", code, stdout, stderr)
	}
}

func buildWithoutALinker(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(build(), plugin.NewBuild("v1.2.3", "abc", "2026-03-01T10:00:00Z")); diff != "" {
		t.Errorf("told of all (-want +got):\n%s", diff)
	}
	// Programs of tests have no version.
	if got := plugin.NewBuild("", "", ""); got.Version == "" || got.Version == "(devel)" {
		t.Errorf("it is %+v", got)
	}
}
