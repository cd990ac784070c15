package plugin_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTemplate(t *testing.T) {
	t.Parallel()
	t.Run("rendering is the same every time", renderingIsTheSameEveryTime)
	t.Run("it takes values", templateTakesValues)
	t.Run("values that are refused", templateRefusesValues)
	t.Run("templates are told the release", templatesAreToldTheRelease)
	t.Run("a library is not rendered", aLibraryIsNotRendered)
}

func renderingIsTheSameEveryTime(t *testing.T) {
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

func templateTakesValues(t *testing.T) {
	t.Parallel()
	folder := writePack(t, map[string]string{"more.yaml": "b: {d: file}\n"})
	file := filepath.Join(folder, "more.yaml")
	for title, test := range map[string]struct {
		stdin string
		args  []string
		want  string
	}{
		"none":                              {stdin: "a: unread", want: `{"a":"pack","b":{"c":"pack","d":"pack"},"list":[1,2]}`},
		"on standard input":                 {stdin: "a: in\nb: {d: in}\n", args: []string{"-f", "-"}, want: `{"a":"in","b":{"c":"pack","d":"in"},"list":[1,2]}`},
		"on standard input, as JSON":        {stdin: `{"list": [3]}`, args: []string{"--values=-"}, want: `{"a":"pack","b":{"c":"pack","d":"pack"},"list":[3]}`},
		"on standard input that is empty":   {args: []string{"-f", "-"}, want: `{"a":"pack","b":{"c":"pack","d":"pack"},"list":[1,2]}`},
		"a file after standard input":       {stdin: "b: {c: in, d: in}", args: []string{"-f", "-", "-f", file}, want: `{"a":"pack","b":{"c":"in","d":"file"},"list":[1,2]}`},
		"standard input after a file":       {stdin: "b: {d: in}", args: []string{"-f", file, "-f", "-"}, want: `{"a":"pack","b":{"c":"pack","d":"in"},"list":[1,2]}`},
		"a flag over standard input":        {stdin: "a: in", args: []string{"--set", "a=flag", "-f", "-"}, want: `{"a":"flag","b":{"c":"pack","d":"pack"},"list":[1,2]}`},
		"a null on standard input deletes":  {stdin: "b: {d: null}\nlist:", args: []string{"-f", "-"}, want: `{"a":"pack","b":{"c":"pack"}}`},
		"a large whole number stays itself": {stdin: "a: 9007199254740993", args: []string{"-f", "-"}, want: `{"a":9007199254740993,"b":{"c":"pack","d":"pack"},"list":[1,2]}`},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"template", "shop", folder, "--kubeconfig", os.DevNull}, test.args...)
			stdout, stderr, code := runWith(t, test.stdin, args...)
			if code != 0 || stderr != "" {
				t.Fatalf("exit code %d: %s", code, stderr)
			}
			if diff := cmp.Diff(test.want, echoed(stdout, "values")); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
		})
	}
}

// writePack writes a pack whose one template prints the values, the release and what hooks there are, and returns its
// folder. More files, by path, come on top or instead.
func writePack(t *testing.T, more map[string]string) string {
	t.Helper()
	files := map[string]string{
		"Pack.yaml":   "apiVersion: sherpack/v1\nkind: application\nmetadata: {name: echo, version: 1.0.0}\n",
		"values.yaml": "a: pack\nb: {c: pack, d: pack}\nlist: [1, 2]\n",
		"templates/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: echo}\ndata:\n" +
			"  values: {{ values | toJson | squote }}\n  release: {{ release | toJson | squote }}\n",
		"templates/job.yaml": "apiVersion: batch/v1\nkind: Job\nmetadata: {name: job, annotations: {sherpack.io/hook: pre-install}}\n",
	}
	for name, content := range more {
		files[name] = content
	}
	folder := t.TempDir()
	for name, content := range files {
		file := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// echoed is what a pack of writePack says under a key.
func echoed(manifest, key string) string {
	_, rest, _ := strings.Cut(manifest, "\n  "+key+": '")
	text, _, _ := strings.Cut(rest, "'\n")
	return text
}

func templateRefusesValues(t *testing.T) {
	t.Parallel()
	folder := writePack(t, nil)
	for title, test := range map[string]struct {
		stdin string
		args  []string
		code  int
		want  string
	}{
		"no YAML on standard input":    {stdin: "a: [", args: []string{"-f", "-"}, code: 2, want: "standard input"},
		"no mapping on standard input": {stdin: "- a", args: []string{"-f", "-"}, code: 2, want: "standard input:1: values must be a mapping"},
		"standard input twice":         {args: []string{"-f", "-", "-f", "-"}, code: 4, want: "standard input: values can be read from it once only"},
		"a file that is not there":     {args: []string{"-f", "nowhere.yaml"}, code: 4, want: "nowhere.yaml"},
		"a flag without a value":       {args: []string{"--set", "a"}, code: 2, want: "--set a"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"template", "shop", folder, "--kubeconfig", os.DevNull}, test.args...)
			stdout, stderr, code := runWith(t, test.stdin, args...)
			if code != test.code || stdout != "" || !strings.Contains(stderr, test.want) {
				t.Errorf("exit code %d, want %d; it prints %q and %q", code, test.code, stdout, stderr)
			}
		})
	}
}

func templatesAreToldTheRelease(t *testing.T) {
	t.Parallel()
	folder := writePack(t, nil)
	for title, test := range map[string]struct {
		args []string
		want string
	}{
		"an install": {want: `{"isInstall":true,"isUpgrade":false,"name":"shop","namespace":"default","revision":1,"service":"Sherpack"}`},
		"an upgrade in a namespace": {
			args: []string{"--is-upgrade", "-n", "web"},
			want: `{"isInstall":false,"isUpgrade":true,"name":"shop","namespace":"web","revision":1,"service":"Sherpack"}`,
		},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"template", "release/shop", folder, "--kubeconfig", os.DevNull}, test.args...)
			stdout, stderr, code := run(t, args...)
			if code != 0 || !strings.Contains(stdout, "kind: Job") {
				t.Fatalf("exit code %d: %s", code, stderr)
			}
			if diff := cmp.Diff(test.want, echoed(stdout, "release")); diff != "" {
				t.Errorf("release (-want +got):\n%s", diff)
			}
			without, _, _ := run(t, append(args, "--no-hooks")...)
			if strings.Contains(without, "kind: Job") || echoed(without, "release") != echoed(stdout, "release") {
				t.Errorf("without hooks it is:\n%s", without)
			}
		})
	}
}

func aLibraryIsNotRendered(t *testing.T) {
	t.Parallel()
	folder := writePack(t, map[string]string{"Pack.yaml": "apiVersion: sherpack/v1\nkind: library\nmetadata: {name: lib, version: 1.0.0}\n"})
	if _, stderr, code := run(t, "template", "shop", folder, "--kubeconfig", os.DevNull); code != 2 || !strings.Contains(stderr, "lib is a library") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
