package plugin

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	yamlv3 "go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
	"github.com/sherpack-io/kubectl-sherpack/pkg/source"
)

func TestValues(t *testing.T) {
	t.Parallel()
	t.Run("they become what they become in Helm", valuesBecomeWhatTheyBecomeInHelm)
	t.Run("those of the deployed revision", valuesOfTheDeployedRevision)
	t.Run("those that are not kept are warned of", valuesThatAreNotKept)
}

// valuesRow is one release of the table in test/helm, which says what its fields are.
type valuesRow struct {
	Row       string
	Revisions []valuesRevision
}

type valuesRevision struct {
	Pack, Schema string
	Files        map[string]string
	Flags        []string
	Helm         valuesResult
	// Sherpack is nil where we do as Helm does.
	Sherpack *valuesResult
}

// valuesResult is what became of the values. Only whether they are refused matters here, not in which words.
type valuesResult struct {
	Given, All       map[string]any
	Refused, Because string
}

// valuesHistory makes the revisions of one release.
type valuesHistory struct {
	folder string
	// deployed is nil before the first revision.
	deployed *release.Release
}

// next makes a revision as install does, and upgrade after that, save that nothing is rendered.
func (h *valuesHistory) next(t *testing.T, from valuesRevision) valuesResult {
	t.Helper()
	h.write(t, from)
	flags, reuse := h.parse(t, from.Flags)
	source, err := loadInput(h.path("pack"), flags.Values, strings.NewReader(from.Files["-"]))
	if err != nil {
		return valuesResult{Refused: err.Error()}
	}
	if h.deployed == nil {
		err = source.Merge()
	} else {
		_, err = reuse.Complete(source, nil, h.deployed)
	}
	if err != nil {
		return valuesResult{Refused: err.Error()}
	}
	h.store(t, source)
	return valuesResult{Given: h.deployed.Content.Values, All: source.Merged()}
}

// write writes the files of a revision, and the pack where it is another one than before.
func (h *valuesHistory) write(t *testing.T, from valuesRevision) {
	t.Helper()
	files := map[string]string{"pack/Pack.yaml": "apiVersion: sherpack/v1\nkind: application\nmetadata: {name: shop, version: 1.0.0}\n"}
	if from.Pack != "" {
		files["pack/values.yaml"] = from.Pack
	}
	if from.Schema != "" {
		files["pack/values.schema.json"] = from.Schema
	}
	for name, content := range from.Files {
		files[name] = content
	}
	for name, content := range files {
		if err := os.MkdirAll(filepath.Dir(h.path(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(h.path(name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (h *valuesHistory) path(name string) string { return filepath.Join(h.folder, name) }

func (h *valuesHistory) parse(t *testing.T, args []string) (flags *DeployFlags, reuse reuseFlags) {
	t.Helper()
	flags = &DeployFlags{}
	command := &cobra.Command{}
	flags.AddFlags(command)
	reuse.AddFlags(command.Flags())
	var expanded []string
	for _, arg := range args {
		expanded = append(expanded, os.Expand(arg, h.path))
	}
	if err := command.ParseFlags(expanded); err != nil {
		t.Fatal(err)
	}
	return flags, reuse
}

// store records a revision as the deployed one, as a Secret keeps it.
func (h *valuesHistory) store(t *testing.T, source *input) {
	t.Helper()
	next := release.New("shop", "default", 1)
	if err := fill(next, source, &render.Result{}); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(next.Content)
	if err != nil {
		t.Fatal(err)
	}
	h.deployed = release.New("shop", "default", 1)
	if err := json.Unmarshal(text, &h.deployed.Content); err != nil {
		t.Fatal(err)
	}
}

func valuesBecomeWhatTheyBecomeInHelm(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("../../test/helm/testdata/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var rows []valuesRow
	decoder := yamlv3.NewDecoder(strings.NewReader(string(table)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&rows); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		t.Run(row.Row, func(t *testing.T) {
			t.Parallel()
			history := valuesHistory{folder: t.TempDir()}
			for i, revision := range row.Revisions {
				want := revision.Helm
				if revision.Sherpack != nil {
					want = *revision.Sherpack
					checkDifference(t, revision.Helm, want)
				}
				if diff := cmp.Diff(comparableValues(t, want), comparableValues(t, history.next(t, revision))); diff != "" {
					t.Errorf("revision %d (-want +got):\n%s", i+1, diff)
				}
			}
		})
	}
}

// checkDifference refuses one that has no reason, and one that is none.
func checkDifference(t *testing.T, helm, ours valuesResult) {
	t.Helper()
	if ours.Because == "" || comparableValues(t, helm) == comparableValues(t, ours) {
		t.Error("the table has a difference without a reason, or a reason without a difference")
	}
}

// comparableValues returns a result as text in which equal numbers are written alike.
func comparableValues(t *testing.T, result valuesResult) string {
	t.Helper()
	text, err := yaml.Marshal(struct {
		Given   map[string]any `json:"given,omitempty"`
		All     map[string]any `json:"all,omitempty"`
		Refused bool           `json:"refused"`
	}{result.Given, result.All, result.Refused != ""})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func valuesOfTheDeployedRevision(t *testing.T) {
	t.Parallel()
	deployed := release.Content{
		Values: map[string]any{"given": "before", "both": "before"},
		Merged: map[string]any{"given": "before", "both": "before", "default": "old"},
	}
	for title, test := range map[string]struct {
		flags []string
		given map[string]any
		// needs says whether the deployed revision counts; want is what is rendered, and stored what was given.
		needs        bool
		want, stored map[string]any
	}{
		"nothing given keeps what was given": {
			needs: true, want: map[string]any{"given": "before", "both": "before", "default": "new"}, stored: deployed.Values,
		},
		"something given drops what was given": {
			given: map[string]any{"both": "now"}, want: map[string]any{"both": "now", "default": "new"}, stored: map[string]any{"both": "now"},
		},
		"--reset-values": {flags: []string{"--reset-values"}, want: map[string]any{"default": "new"}, stored: map[string]any{}},
		"--reuse-values": {
			flags: []string{"--reuse-values"}, given: map[string]any{"both": "now"}, needs: true,
			want: map[string]any{"given": "before", "both": "now", "default": "old"}, stored: map[string]any{"given": "before", "both": "now"},
		},
		"--reset-then-reuse-values": {
			flags: []string{"--reset-then-reuse-values"}, given: map[string]any{"both": "now"}, needs: true,
			want: map[string]any{"given": "before", "both": "now", "default": "new"}, stored: map[string]any{"given": "before", "both": "now"},
		},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			var reuse reuseFlags
			command := &cobra.Command{Use: "upgrade"}
			reuse.AddFlags(command.Flags())
			if err := command.ParseFlags(test.flags); err != nil {
				t.Fatal(err)
			}
			opened := &input{source: source.Of(&pack.Pack{Values: map[string]any{"default": "new"}}), given: pack.Copy(test.given)}
			if got := reuse.Needs(opened.given); got != test.needs {
				t.Errorf("it needs the deployed revision: %v, want %v", got, test.needs)
			}
			if test.needs {
				reuse.apply(opened, deployed, 1)
			}
			if err := opened.Merge(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, opened.Merged()); diff != "" {
				t.Errorf("what is rendered (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.stored, opened.given); diff != "" {
				t.Errorf("what is stored as given (-want +got):\n%s", diff)
			}
			if deployed.Values["both"] != "before" || deployed.Merged["both"] != "before" {
				t.Errorf("the deployed revision has changed: %v", deployed)
			}
		})
	}
}

func valuesThatAreNotKept(t *testing.T) {
	t.Parallel()
	four := map[string]any{"a": "x", "b": map[string]any{"c": "x", "d": "x"}, "e": "x"}
	for title, test := range map[string]struct {
		reuse         reuseFlags
		before, given map[string]any
		want          []string
	}{
		"some": {
			before: map[string]any{"a": "x", "b": map[string]any{"c": "x", "d": "x"}}, given: map[string]any{"b": map[string]any{"c": "y"}},
			want: []string{"values given for revision 3 are not kept: a, b.d; to keep them, use --reset-then-reuse-values"},
		},
		"many": {
			before: four, given: map[string]any{"f": "y"},
			want: []string{"values given for revision 3 are not kept: a, b.c, b.d and 1 more; to keep them, use --reset-then-reuse-values"},
		},
		"all are given again":          {before: map[string]any{"a": "x"}, given: map[string]any{"a": "y"}},
		"none are given, all are kept": {before: four},
		"--reset-values":               {reuse: reuseFlags{Reset: true}, before: four, given: map[string]any{"f": "y"}},
		"--reuse-values":               {reuse: reuseFlags{Reuse: true}, before: four, given: map[string]any{"f": "y"}},
		"--reset-then-reuse-values":    {reuse: reuseFlags{ResetThenReuse: true}, before: four, given: map[string]any{"f": "y"}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			deployed := release.New("shop", "web", 3)
			deployed.Content = release.Content{Values: test.before, Merged: test.before}
			opened := &input{source: source.Of(&pack.Pack{}), given: pack.Copy(test.given)}
			if _, err := test.reuse.Complete(opened, release.History{deployed}, deployed); err != nil {
				t.Fatal(err)
			}
			found := &warnings{}
			test.reuse.WarnOfDropped(found, opened, deployed)
			if diff := cmp.Diff(test.want, found.said); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
