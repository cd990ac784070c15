package plugin

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

func TestGet(t *testing.T) {
	t.Parallel()
	t.Run("values and notes of a revision", valuesAndNotesOfARevision)
	t.Run("resources of a revision", resourcesOfARevision)
	t.Run("forms that a part does not have", formsThatAPartDoesNotHave)
	t.Run("what a revision holds cannot steer a terminal", whatARevisionHoldsCannotSteerATerminal)
	t.Run("what turns the direction of writing means the same", whatTurnsTheDirectionOfWritingMeansTheSame)
	t.Run("a manifest that cannot be read is an error", aManifestThatCannotBeReadIsAnError)
	t.Run("numbers that are refused", numbersThatAreRefused)
}

// The two halves of a stored manifest.
const (
	regularText = `---
# Source: templates/map.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: app # the name
data:
  day: 2026-03-01
  on-call: yes # quoted by no one
`
	hookText = `---
# Source: templates/job.yaml
apiVersion: batch/v1
kind: Job
metadata: {name: app-migrate, annotations: {sherpack.io/hook: pre-install}}
`
)

// partTest is how a part is asked for, of a revision without any content where it is empty, and what is printed.
type partTest struct {
	part  string
	args  []string
	empty bool
	want  string
}

func (test partTest) check(t *testing.T) {
	t.Helper()
	given := content()
	if test.empty {
		given = release.Content{}
	}
	got, err := show(t, contentParts()[test.part], given, test.args...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(test.want, got); diff != "" {
		t.Errorf("it prints (-want +got):\n%s", diff)
	}
}

func valuesAndNotesOfARevision(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]partTest{
		"given values": {part: "values", want: "kind: a\nmetadata:\n  managedFields:\n  - b\nport: 1000000\ntext: \"<&>\\e\\x9B\\n\"\n"},
		"given values as JSON, nothing of them left out": {
			part: "values", args: []string{"-o", "json"},
			want: `{
    "kind": "a",
    "metadata": {
        "managedFields": [
            "b"
        ]
    },
    "port": 1000000,
    "text": "\u003c\u0026\u003e\u001b\u009b\n"
}
`,
		},
		"a given value":                {part: "values", args: []string{"-o", "jsonpath={.port} {.kind}"}, want: "1000000 a"},
		"a given value, by a template": {part: "values", args: []string{"--template", "{{.kind}}"}, want: "a"},
		"all values":                   {part: "values --all", want: "port: 9007199254740993\nratio: 0.5\n"},
		"all values as JSON":           {part: "values --all", args: []string{"-o", "JSON"}, want: "{\n    \"port\": 9007199254740993,\n    \"ratio\": 0.5\n}\n"},
		"all values as YAML":           {part: "values --all", args: []string{"-o", "yaml"}, want: "port: 9007199254740993\nratio: 0.5\n"},
		"no values":                    {part: "values", empty: true, want: "{}\n"},
		"no values as JSON":            {part: "values", args: []string{"-o", "json"}, empty: true, want: "{}\n"},
		"no values as YAML":            {part: "values", args: []string{"-o", "yaml"}, empty: true, want: "{}\n"},
		"a value that is not there":    {part: "values", args: []string{"-o", "jsonpath={.a}"}, empty: true},
		"the notes":                    {part: "notes", want: "Thank you,\n\ufffd[31mAnn\ufffd[0m.\n"},
		"the notes as JSON":            {part: "notes", args: []string{"-o", "json"}, want: "{\n    \"notes\": \"Thank you,\\n\\u001b[31mAnn\\u001b[0m.\\n\\n\"\n}\n"},
		"no notes":                     {part: "notes", empty: true},
		"no notes as YAML":             {part: "notes", args: []string{"-o", "yaml"}, empty: true, want: "notes: \"\"\n"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			test.check(t)
		})
	}
}

func content() release.Content {
	return release.Content{
		Manifest: hookText + regularText + strings.Replace(hookText, "migrate", "notify", 1),
		Values:   map[string]any{"port": int64(1000000), "kind": "a", "metadata": map[string]any{"managedFields": []any{"b"}}, "text": "<&>\x1b\u009b\n"},
		Merged:   map[string]any{"port": int64(9007199254740993), "ratio": 0.5},
		Notes:    "Thank you,\n\x1b[31mAnn\x1b[0m.\n\n",
	}
}

// show is what a subcommand of get prints of a content with these flags.
func show(t *testing.T, part contentPart, content release.Content, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	flags, command := GetFlags{Output: newContentFlags(part.named)}, &cobra.Command{Use: "part"}
	flags.AddFlags(command)
	if err := command.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	options, err := flags.ToOptions(command, []string{"shop"})
	if err != nil {
		return "", err
	}
	options.Part, options.Out = part, &out
	err = options.print(content)
	return out.String(), err
}

// contentParts are the parts by the names of their subcommands.
func contentParts() map[string]contentPart {
	given, all := false, true
	return map[string]contentPart{
		"values": valuesPart(&given), "values --all": valuesPart(&all), "notes": notesPart(),
		"manifest": resourcesPart(hook.Select{Regular: true}), "hooks": resourcesPart(hook.Select{}),
	}
}

func resourcesOfARevision(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]partTest{
		"the manifest":                  {part: "manifest", want: regularText},
		"the names in the manifest":     {part: "manifest", args: []string{"-o", "name"}, want: "configmap/app\n"},
		"a manifest with hooks only":    {part: "manifest", empty: true},
		"an empty manifest as YAML":     {part: "manifest", args: []string{"-o", "yaml"}, empty: true, want: "apiVersion: v1\nitems: []\nkind: List\n"},
		"the names in an empty one":     {part: "manifest", args: []string{"-o", "name"}, empty: true},
		"the hooks as they are stored":  {part: "hooks", want: hookText + strings.Replace(hookText, "migrate", "notify", 1)},
		"the names of the hooks":        {part: "hooks", args: []string{"-o", "name"}, want: "job.batch/app-migrate\njob.batch/app-notify\n"},
		"something of the hooks":        {part: "hooks", args: []string{"-o", "jsonpath={.items[*].metadata.name}"}, want: "app-migrate app-notify"},
		"columns of the manifest":       {part: "manifest", args: []string{"-o", "custom-columns=KIND:.kind,DAY:.data.day"}, want: "KIND        DAY\nConfigMap   2026-03-01\n"},
		"columns of the hooks":          {part: "hooks", args: []string{"-o", "custom-columns", "--template", "NAME:.metadata.name"}, want: "NAME\napp-migrate\napp-notify\n"},
		"the manifest as one YAML list": {part: "manifest", args: []string{"-o", "yaml"}, want: "apiVersion: v1\nitems:\n- apiVersion: v1\n  data:\n    day: \"2026-03-01\"\n    on-call: true\n  kind: ConfigMap\n  metadata:\n    name: app\nkind: List\n"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			test.check(t)
		})
	}
}

func formsThatAPartDoesNotHave(t *testing.T) {
	t.Parallel()
	for part, form := range map[string]string{"values": "name", "values --all": "table", "notes": "custom-columns=A:.notes", "manifest": "wide", "hooks": "custom-columns="} {
		got, err := show(t, contentParts()[part], content(), "-o", form)
		if exitCode(t.Context(), err) != exitInput || got != "" {
			t.Errorf("%s -o %s prints %q, error %v", part, form, got, err)
		}
	}
}

func whatARevisionHoldsCannotSteerATerminal(t *testing.T) {
	t.Parallel()
	hostile := "\x1b[2J\u009b2J\a\b\x7f\r\u0085\u202ex\u2066y\u200f"
	stored := release.Content{
		Notes:  hostile,
		Values: map[string]any{hostile: hostile},
		Merged: map[string]any{"list": []any{hostile}},
		Manifest: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: \"\\e[2J\\x9b2J\\a\\b\\x7f\\r\\N\", b: \u202ex\u2066y} # \u200f\n" +
			"---\napiVersion: v1\nkind: Pod\nmetadata: {name: b, annotations: {sherpack.io/hook: test, b: \"\\e\\x9b\"}}\n",
	}
	for part := range contentParts() {
		for _, args := range [][]string{nil, {"-o", "yaml"}, {"-o", "YAML"}, {"-o", "kyaml"}, {"-o", "json"}} {
			got, err := show(t, contentParts()[part], stored, args...)
			if err != nil {
				t.Fatal(err)
			}
			if got == "" || got != printers.Clean(got) {
				t.Errorf("%s %v prints %q", part, args, got)
			}
		}
	}
	for part, columns := range map[string]string{"manifest": "A:.data.a,B:.data.b", "hooks": "A:.metadata.annotations"} {
		got, err := show(t, contentParts()[part], stored, "-o", "custom-columns="+columns)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(got, "\ufffd") || got != printers.Clean(got) {
			t.Errorf("%s as columns prints %q", part, got)
		}
	}
}

// What is escaped means the same to programs, and all else is as it was.
func whatTurnsTheDirectionOfWritingMeansTheSame(t *testing.T) {
	t.Parallel()
	stored := release.Content{
		Values:   map[string]any{"a\u202e": "b\u202ec", "lines": "d\u2066\ne", "port": int64(80), "text": "1"},
		Manifest: hookText + regularText + "  turned: a\u202eb\n  folded: |\n    c\u2066\n    d\n",
	}
	for _, args := range [][]string{nil, {"-o", "yaml"}, {"-o", "json"}, {"-o", "kyaml"}} {
		text, err := show(t, contentParts()["values"], stored, args...)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]any{}
		if err := yaml.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"a\u202e": "b\u202ec", "lines": "d\u2066\ne", "port": float64(80), "text": "1"}
		if diff := cmp.Diff(want, got); diff != "" || strings.ContainsAny(text, "\u202e\u2066") {
			t.Errorf("%v prints %q (-want +got):\n%s", args, text, diff)
		}
	}
	text, err := show(t, contentParts()["manifest"], stored)
	if want := regularText + "  turned: \"a\\u202Eb\"\n  folded: \"c\\u2066\\nd\\n\"\n"; err != nil || text != want {
		t.Errorf("%v (-want +got):\n%s", err, cmp.Diff(want, text))
	}
}

func aManifestThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"-o", "json"}} {
		got, err := show(t, contentParts()["manifest"], release.Content{Manifest: "a: ["}, args...)
		if got != "" || !is[*manifest.Error](err) {
			t.Errorf("it prints %q, error %v", got, err)
		}
	}
}

func numbersThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		command *cobra.Command
		args    []string
		want    string
	}{
		{newHistoryCommand(nil, genericiooptions.NewTestIOStreamsDiscard()), []string{"shop", "--max=-1"}, "--max -1: must not be negative"},
		{newGetCommand(nil, genericiooptions.NewTestIOStreamsDiscard()), []string{"notes", "shop", "--revision=-1"}, "--revision -1: must not be negative"},
	} {
		test.command.SetArgs(test.args)
		test.command.SilenceErrors, test.command.SilenceUsage = true, true
		err := test.command.ExecuteContext(t.Context())
		if err == nil || err.Error() != test.want || exitCode(t.Context(), err) != exitInput {
			t.Errorf("the error is %v, want %s", err, test.want)
		}
	}
}
