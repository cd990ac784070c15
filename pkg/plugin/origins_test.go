package plugin_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExplainValues(t *testing.T) {
	t.Parallel()
	t.Run("as a table", explainedAsATable)
	t.Run("what is refused", explainRefuses)
	t.Run("paths complete", pathsOfValuesComplete)
}

func explainedAsATable(t *testing.T) {
	t.Parallel()
	folder := writePack(t, map[string]string{
		"values.yaml": "a: pack\nb:\n  c: pack\n  d: 'on'\ntext: |\n  two\n  lines\nescape: \"\\e[31m\"\n",
		"more.yaml":   "b: {d: '8080'}\nlist: [1, {x: z}]\nlong: " + strings.Repeat("x", 100) + "\n",
	})
	file := filepath.Join(folder, "more.yaml")
	args := []string{"template", "shop", folder, "--kubeconfig", os.DevNull, "-f", file, "--set", "a=1", "--set", "a=2", "--explain-values"}
	stdout, stderr, code := run(t, args...)
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	want := `PATH     VALUE                                                           FROM
a        2                                                               --set
                                                                           beats --set = 1
                                                                           beats values.yaml:1 = pack
b.c      pack                                                            values.yaml:3
b.d      "8080"                                                          -f more.yaml:1
                                                                           beats values.yaml:4 = "on"
escape   "\e[31m"                                                        values.yaml:8
list     [1,{"x":"z"}]                                                   -f more.yaml:2
long     xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…   -f more.yaml:3
text     "two\nlines\n"                                                  values.yaml:5
`
	if diff := cmp.Diff(want, strings.ReplaceAll(stdout, file, "more.yaml")); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	stdout, _, _ = run(t, append(args, "b")...)
	if strings.Contains(stdout, "pack\n") || strings.Count(stdout, "b.") != 2 || strings.Contains(stdout, "text") {
		t.Errorf("below b there is\n%s", stdout)
	}
}

func explainRefuses(t *testing.T) {
	t.Parallel()
	folder := writePack(t, nil)
	for title, test := range map[string]struct {
		args []string
		want string
	}{
		"a path that is not there": {[]string{"--explain-values", "b.e.f"}, `error: --explain-values: there is no value "b.e.f"; did you mean "b.c"?`},
		"a path below a value":     {[]string{"--explain-values", "a.b"}, `error: --explain-values: there is no value "a.b"`},
		"nothing near":             {[]string{"--explain-values=elsewhere"}, `error: --explain-values: there is no value "elsewhere"`},
		"no path":                  {[]string{"--explain-values=a,b"}, `error: --explain-values: "a,b" is no path of keys, such as image.tag`},
		"a path without the flag":  {[]string{"a"}, `error: "a": only --explain-values takes a PATH`},
		"a folder for manifests":   {[]string{"--explain-values", "--output-dir", "x"}, "error: --explain-values prints no manifest that --output-dir could write; use only one of the two"},
		"a form for objects":       {[]string{"--explain-values", "-o", "name"}, `error: --output "name": with --explain-values it must be 'yaml' or 'json'`},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := run(t, append([]string{"template", "shop", folder, "--kubeconfig", os.DevNull}, test.args...)...)
			first, _, _ := strings.Cut(stderr, "\n")
			if first != test.want || (code == 2) != (test.want != "") || (stdout == "") != (test.want != "") {
				t.Errorf("exit code %d, stdout %q: %s", code, stdout, stderr)
			}
		})
	}
}

func pathsOfValuesComplete(t *testing.T) {
	t.Parallel()
	folder := writePack(t, nil)
	for title, test := range map[string]struct{ args, want []string }{
		"as an argument":      {[]string{"--explain-values", "b"}, []string{"b", "b.c", "b.d", noFiles}},
		"as the flag's value": {[]string{"--explain-values=b."}, []string{"b.c", "b.d", noFiles}},
		"nothing like it":     {[]string{"--explain-values", "x"}, []string{noFiles}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, completions(t, append([]string{"template", "shop", folder}, test.args...)...)); diff != "" {
				t.Errorf("completions (-want +got):\n%s", diff)
			}
		})
	}
}
