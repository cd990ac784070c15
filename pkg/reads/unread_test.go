package reads_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/reads"
)

func messages(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		sources  pack.ValueSources
		want     string
		mistyped bool
	}{
		"a key":             {pack.ValueSources{Set: []string{"replcas=3"}}, `--set replcas: the pack reads no such value; did you mean "replicas"?`, true},
		"a key with a dash": {pack.ValueSources{SetString: []string{`image.pull\.polcy=3`}}, `--set-string image.pull\.polcy: the pack reads no such value; did you mean "image.pull\\.policy"?`, true},
		"a key on the way":  {pack.ValueSources{SetJSON: []string{`{"imge": {"a": 1, "b": 2}}`}}, `--set-json imge: the pack reads no such value; did you mean "image"?`, true},
		"in a list":         {pack.ValueSources{Set: []string{"hosts[0].nme=3"}}, `--set hosts[0].nme: the pack reads no such value; did you mean "hosts[0].name"?`, true},
		"nothing near":      {pack.ValueSources{Set: []string{"zzzzzz=3"}}, "--set zzzzzz: the pack reads no such value", false},
		"a null":            {pack.ValueSources{Set: []string{"replcas=null"}}, `--set replcas: the pack reads no such value; did you mean "replicas"?`, true},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			p := packOf(map[string]string{"templates/a.yaml": `{{ .Values.replicas }}{{ index .Values.image "pull.policy" }}{{ range .Values.hosts }}{{ .name }}{{ end }}`})
			found := unreadOf(t, p, nil, test.sources)
			if len(found) != 1 || found[0].String() != test.want || found[0].Mistyped != test.mistyped {
				t.Errorf("got %+v", found)
			}
		})
	}
}

func whereTheyWereGiven(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "prod.yaml")
	if err := os.WriteFile(file, []byte("# mine\nreplcas: 1\nimage:\n  tag: a\n\n  tga: b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := packOf(map[string]string{"templates/a.yaml": "{{ .Values.replicas }}{{ .Values.image.tag }}"})
	var got []string
	for _, unread := range unreadOf(t, p, nil, pack.ValueSources{Files: []string{file}, Set: []string{"other=1"}}) {
		if unread.Mistyped {
			t.Errorf("%s: a file is shared by packs, and refused", unread)
		}
		got = append(got, strings.TrimPrefix(unread.String(), filepath.Dir(file)+"/"))
	}
	want := []string{
		`prod.yaml:2: replcas: the pack reads no such value; did you mean "replicas"?`,
		`prod.yaml:6: image.tga: the pack reads no such value; did you mean "image.tag"?`,
		"--set other: the pack reads no such value",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unread (-want +got):\n%s", diff)
	}
}

// Whatever a template is, walking through it ends, and what the text has in plain sight is read.
func FuzzOf(f *testing.F) {
	for _, seed := range []string{
		"{{ .Values.a.b | default (dict \"x\" .) | toYaml }}", "{{ define \"a\" }}{{ include \"a\" (dict \"b\" . \"c\" $) }}{{ end }}{{ template \"a\" . }}",
		"{{ range $k, $v := .Values }}{{ $k = $v }}{{ end }}", "{{ tpl \"{{ .Values.x }}\" . }}{{ index }}{{ dig }}{{ get }}{{ set }}{{ first }}",
		"{{ with $x := (merge (dict) .Values.a).b }}{{ $x.c }}{{ else with . }}{{ break }}{{ end }}", "{{ (index .Values 0 \"a\" $y).b.c 1 | .d }}", "{{ if",
	} {
		f.Add(seed, "a: '{{ .Values.b }}'")
	}
	f.Fuzz(func(t *testing.T, template, text string) {
		p := packOf(map[string]string{"templates/a.yaml": template, "templates/b.yaml": "{{ .Values.plain.sight }}"})
		p.Values = map[string]any{"text": text}
		given := pack.Layer{
			Values: map[string]any{"plain": map[string]any{"sight": 1}, "text": map[string]any{"any": nil}, "other": []any{map[string]any{"a": 1}}},
			Source: func([]string) pack.Source { return pack.Source{Kind: pack.FromSet} },
		}
		for _, unread := range reads.Of(pack.Alone(p, p.Values)).Unread([]pack.Layer{given}) {
			if unread.File != "--set other" && !strings.HasPrefix(unread.File, "--set other[") {
				t.Errorf("%q: %s", template, unread)
			}
		}
	})
}
