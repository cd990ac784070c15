package pack

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMetadata(t *testing.T) {
	t.Parallel()
	t.Run("all problems of Pack.yaml are named", packYAMLProblems)
	t.Run("strict is the default", strictIsTheDefault)
}

type packYAMLTest struct {
	text string
	want []string
}

func packYAMLProblems(t *testing.T) {
	t.Parallel()
	for name, test := range packYAMLTests() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := New("p", []File{{Path: "Pack.yaml", Data: []byte(test.text)}})
			if diff := cmp.Diff(test.want, lines(t, err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func packYAMLTests() map[string]packYAMLTest {
	return map[string]packYAMLTest{
		"an unknown key names its line and the nearest": {
			"apiVersion: sherpack/v1\nkind: application\nmetadata:\n  name: a\n  verison: 1.0.0\n",
			[]string{
				`p/Pack.yaml:3: metadata.version: is "", must be a semantic version such as 1.2.0`,
				"p/Pack.yaml:5: metadata.verison: unknown key; did you mean version?",
			},
		},
		"an unknown key without a near one": {
			minimal + "zzz: 1\n",
			[]string{"p/Pack.yaml:4: zzz: unknown key"},
		},
		"an unknown key in a list": {
			"apiVersion: sherpack/v1\nkind: application\nmetadata:\n  name: a\n  version: 1.0.0\n  maintainers:\n    - name: x\n      mail: y\n",
			[]string{"p/Pack.yaml:8: metadata.maintainers[0].mail: unknown key; did you mean email?"},
		},
		"a key in the wrong place": {
			minimal + "engine: {strct: true}\n",
			[]string{"p/Pack.yaml:4: engine.strct: unknown key; did you mean strict?"},
		},
		"several problems at once": {
			"apiVersion: v2\nkind: app\nmetadata:\n  name: -x\n  version: '1'\n  kubeVersion: new\n",
			[]string{
				`p/Pack.yaml:1: apiVersion: is "v2", must be sherpack/v1`,
				`p/Pack.yaml:2: kind: is "app", must be application or library`,
				`p/Pack.yaml:4: metadata.name: is "-x", must be 1 to 63 letters, digits, dashes, dots or underscores, a letter or digit first and last`,
				`p/Pack.yaml:5: metadata.version: is "1", must be a semantic version such as 1.2.0`,
				`p/Pack.yaml:6: metadata.kubeVersion: is "new", must be a version constraint such as >=1.30: improper constraint: "new"`,
			},
		},
		"a key twice": {
			minimal + "kind: library\n",
			[]string{`p/Pack.yaml:4: duplicate key "kind"`},
		},
		"a value of the wrong kind": {
			minimal + "engine: {strict: maybe}\n",
			[]string{"p/Pack.yaml:4: is a string, must be true or false"},
		},
		"bad syntax": {
			"apiVersion: sherpack/v1\nkind: [\n",
			[]string{"p/Pack.yaml:2: did not find expected node content"},
		},
		"two documents": {
			minimal + "---\nkind: library\n",
			[]string{"p/Pack.yaml:4: has more than one YAML document"},
		},
		"not a mapping": {
			"- a\n",
			[]string{"p/Pack.yaml:1: is a list, must be a mapping"},
		},
	}
}

func strictIsTheDefault(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		minimal:                               true,
		minimal + "engine:\n":                 true,
		minimal + "engine: {}\n":              true,
		minimal + "engine: {strict: false}\n": false,
		"\xEF\xBB\xBF" + minimal + "engine: {strict: no}\n": false,
	} {
		if p := build(t, map[string]string{"Pack.yaml": text}); p.Engine.Strict != want {
			t.Errorf("%q: strict is %v", text, p.Engine.Strict)
		}
	}
}

func FuzzPackYAML(f *testing.F) {
	f.Add([]byte(minimal))
	f.Add([]byte("apiVersion: sherpack/v1\nmetadata: &a\n  maintainers: [{nam: *a}]\n? [x]\n: 1\n"))
	f.Add([]byte("kind: [\n"))
	f.Add([]byte("metadata: {kubeVersion: '>=1.30 || ~1', <<: {name: b}}\nengine: !!bool yes\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := New("p", []File{{Path: MetadataFile, Data: data}})
		onlyKnownErrors(t, err)
		if err != nil {
			return
		}
		if p.Metadata.Name == "" || p.Metadata.Version == "" {
			t.Errorf("accepted without name or version: %+v", p.Metadata)
		}
		if err := p.SupportsKube("v1.36.3"); err != nil && p.Metadata.KubeVersion == "" {
			t.Error(err)
		}
	})
}

func onlyKnownErrors(t *testing.T, err error) {
	t.Helper()
	var invalid *InvalidError
	var unreadable *FileError
	if err != nil && !errors.As(err, &invalid) && !errors.As(err, &unreadable) {
		t.Errorf("an error of another type: %v", err)
	}
	if invalid != nil && len(invalid.Problems) == 0 {
		t.Error("invalid without a problem")
	}
}
