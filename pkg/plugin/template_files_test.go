package plugin_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTemplateFiles(t *testing.T) {
	t.Parallel()
	t.Run("what comes of one template", whatComesOfOneTemplate)
	t.Run("a template of which nothing comes is refused", aTemplateOfWhichNothingComesIsRefused)
	t.Run("names of objects", namesOfObjects)
	t.Run("files are written", filesAreWritten)
	t.Run("files that cannot be written", filesThatCannotBeWritten)
}

// names runs template with -o name, and returns what it prints.
func names(t *testing.T, folder string, args ...string) string {
	t.Helper()
	args = append([]string{"template", "shop", folder, "--kubeconfig", os.DevNull, "-o", "name"}, args...)
	stdout, stderr, code := run(t, args...)
	if code != 0 || stderr != "" {
		t.Fatalf("%v: exit code %d: %s", args, code, stderr)
	}
	return stdout
}

// shown is a pack with several templates and a definition.
func shown(t *testing.T) string {
	t.Helper()
	return writePack(t, map[string]string{
		"templates/sub/two.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n",
		"templates/empty.yaml":   "{{ if values.none }}{{ end }}", "templates/NOTES.txt": "hello",
		"crds/w.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: w.example.com}\n",
	})
}

func whatComesOfOneTemplate(t *testing.T) {
	t.Parallel()
	folder := shown(t)
	for want, args := range map[string][]string{
		"service/a\ndeployment.apps/a\n":                                {"-s", "templates/sub/two.yaml"},
		"job.batch/job\nconfigmap/echo\n":                               {"--show-only=templates/job.yaml", "-s", "templates/map.yaml"},
		"configmap/echo\n":                                              {"-s", "templates/m*.yaml", "--server", "https://example.com"},
		"job.batch/job\nconfigmap/echo\nservice/a\ndeployment.apps/a\n": {"-s", "./templates/*", "-s", "templates/*/*"},
		"customresourcedefinition.apiextensions.k8s.io/w.example.com\n": {"-s", "crds/w.yaml"},
		"job.batch/job\nservice/a\ndeployment.apps/a\n":                 {"-s", "templates/job.yaml", "-s", "templates/sub/*"},
		"configmap/echo\nservice/a\ndeployment.apps/a\n":                {"-s", "templates/map.yaml", "-s", "templates/sub/*", "--no-hooks"},
	} {
		if diff := cmp.Diff(want, names(t, folder, args...)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", args, diff)
		}
	}
}

func aTemplateOfWhichNothingComesIsRefused(t *testing.T) {
	t.Parallel()
	folder := shown(t)
	for pattern, want := range map[string]string{
		"templates/mpa.yaml":   "--show-only templates/mpa.yaml: the pack has no such template; did you mean templates/map.yaml?",
		"nothing/*":            "--show-only nothing/*: the pack has no such template",
		"[":                    "--show-only [: the pack has no such template",
		"templates/empty.yaml": "--show-only templates/empty.yaml: this template renders no objects with these values",
		"templates/job.yaml":   "--show-only templates/job.yaml: this template renders no objects with these values",
	} {
		stdout, stderr, code := run(t, "template", "shop", folder, "--kubeconfig", os.DevNull, "--no-hooks", "-s", "templates/map.yaml", "-s", pattern)
		if code != 2 || stdout != "" || stderr != "error: "+want+"\n" {
			t.Errorf("%s: exit code %d, it prints %q and %q", pattern, code, stdout, stderr)
		}
	}
}

func namesOfObjects(t *testing.T) {
	t.Parallel()
	folder := shown(t)
	want := "customresourcedefinition.apiextensions.k8s.io/w.example.com\njob.batch/job\nconfigmap/echo\nservice/a\ndeployment.apps/a\n"
	if diff := cmp.Diff(want, names(t, folder)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	stdout, _, code := run(t, "template", "shop", folder, "--kubeconfig", os.DevNull, "-o", "jsonpath={.items[*].kind}")
	if code != 0 || stdout != "CustomResourceDefinition Job ConfigMap Service Deployment" {
		t.Errorf("exit code %d: %q", code, stdout)
	}
	_, stderr, code := run(t, "template", "shop", folder, "--kubeconfig", os.DevNull, "-o", "xml")
	if code != 2 || !strings.Contains(stderr, "unable to match a printer") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func filesAreWritten(t *testing.T) {
	t.Parallel()
	folder, target := shown(t), filepath.Join(t.TempDir(), "not", "there")
	for range 2 {
		stdout, stderr, code := run(t, "template", "shop", folder, "--kubeconfig", os.DevNull, "--output-dir", target)
		if code != 0 || stderr != "" {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		var want string
		for _, name := range []string{"crds/w.yaml", "templates/job.yaml", "templates/map.yaml", "templates/sub/two.yaml"} {
			want += "wrote " + filepath.Join(target, "echo", name) + "\n"
		}
		if diff := cmp.Diff(want, stdout); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	printed, _, _ := run(t, "template", "shop", folder, "--kubeconfig", os.DevNull, "-s", "templates/sub/two.yaml")
	text, err := os.ReadFile(filepath.Join(target, "echo", "templates", "sub", "two.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(printed, string(text)); diff != "" {
		t.Errorf("(-printed +written):\n%s", diff)
	}
}

func filesThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	folder, target := shown(t), t.TempDir()
	if err := os.WriteFile(filepath.Join(target, "echo"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	outside := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(target, "link")); err != nil {
		t.Fatal(err)
	}
	linked := filepath.Join(target, "to")
	if err := os.Mkdir(linked, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(linked, "echo")); err != nil {
		t.Fatal(err)
	}
	for title, test := range map[string]struct {
		args []string
		code int
		want string
	}{
		"a file where a folder is to be":   {[]string{"--output-dir", target}, 4, "error: " + filepath.Join(target, "echo", "crds", "w.yaml") + ": write file: not a directory"},
		"a file instead of the folder":     {[]string{"--output-dir", filepath.Join(target, "echo")}, 4, "error: " + filepath.Join(target, "echo") + ": write file: not a directory"},
		"a link that leads out":            {[]string{"--output-dir", linked}, 4, "error: " + filepath.Join(linked, "echo", "crds", "w.yaml") + ": write file: "},
		"a form that is not that of files": {[]string{"--output-dir", target, "-o", "json"}, 2, "error: --output-dir writes YAML files; it cannot be used together with --output\n"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := run(t, append([]string{"template", "shop", folder, "--kubeconfig", os.DevNull}, test.args...)...)
			if code != test.code || stdout != "" || !strings.HasPrefix(stderr, test.want) {
				t.Errorf("exit code %d, it prints %q and %q", code, stdout, stderr)
			}
		})
	}
	t.Cleanup(func() {
		if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
			t.Errorf("written outside: %v, %v", left, err)
		}
	})
}
