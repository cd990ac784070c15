package chart

import (
	"fmt"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/release/v1/util"
)

func TestDocuments(t *testing.T) {
	t.Parallel()
	t.Run("are split as Helm splits them", documentsAreSplitAsHelmSplitsThem)
	t.Run("are those of Helm's function", documentsAreThoseOfHelm)
	t.Run("nothing", documentsWithoutObjects)
	t.Run("a list is its items", aListIsItsItems)
	t.Run("of a key that appears twice the last one counts", theLastOfTwoKeysCounts)
	t.Run("what is no object is refused", whatIsNoObjectIsRefused)
}

func documentsAreSplitAsHelmSplitsThem(t *testing.T) {
	t.Parallel()
	for title, between := range map[string]string{
		"plain": "---\n", "without a line break": "---", "with blanks": "---   \n", "with a comment": "--- # next\n", "twice": "---\n---\n", "with Windows' line ends": "---\r\n",
	} {
		c := read(t, head+"-- templates/a.yaml --\n"+object("ConfigMap", "a")+"data: {text: \"a --- b\"}\n"+between+object("ConfigMap", "b"))
		if got := strings.Join(objects(rendered(t, c, "")), ", "); got != "web/templates/a.yaml ConfigMap/a, web/templates/a.yaml ConfigMap/b" {
			t.Errorf("%s: %s", title, got)
		}
	}
	c := read(t, head+"-- templates/a.yaml --\n"+configMap+"|\n    first\n\n    last\n\n---\n"+object("ConfigMap", "b"))
	contains(t, encoded(t, rendered(t, c, "")), "x: |\n    first\n\n    last\n")
}

// streams are rendered files in which documents begin and end in all ways.
func streams() []string {
	return []string{
		"", " \n\t\n", "a", "a\n", "a\n\n", "\n\n  a", "---\na\n---\nb", "--- \t\na\n---b\n", "  ---\na", "a\n ---\nb", "a---\nb", "------\na", "a\n---\n---\nb\n---",
		"a\r\n---\r\nb\r\n", "\n---\n\n---\n \n--- # c\na", "a\n\n\n---\n\n\n b", "\u00a0---\na", "a\n---\u00a0b", "x\n--", "-", "\u0085a\n---\f\n",
	}
}

func documentsAreThoseOfHelm(t *testing.T) {
	t.Parallel()
	for _, text := range streams() {
		compareWithHelm(t, text)
	}
}

func compareWithHelm(t *testing.T, text string) {
	t.Helper()
	found := util.SplitManifests(text)
	documents := split(text)
	for i, document := range documents {
		if want := found[fmt.Sprintf("manifest-%d", i)] + "\n"; document != want {
			t.Errorf("%q: %q, want %q", text, document, want)
		}
	}
	if len(documents) != len(found) {
		t.Errorf("%q: %d documents, want %d", text, len(documents), len(found))
	}
}

func FuzzSplit(f *testing.F) {
	for _, text := range streams() {
		f.Add(text)
	}
	f.Fuzz(compareWithHelm)
}

func documentsWithoutObjects(t *testing.T) {
	t.Parallel()
	for title, text := range map[string]string{
		"an empty file": "", "blanks": "  \n\n", "dashes": "---\n---\n", "comments": "# a\n---\n# b\n", "null": "null\n", "an action": "{{ if false }}a{{ end }}\n",
	} {
		if result := rendered(t, read(t, head+"-- templates/a.yaml --\n"+text), ""); len(result.Nodes)+len(result.Warnings) > 0 {
			t.Errorf("%s: %v, %q", title, objects(result), result.Warnings)
		}
	}
	equal(t, []string{"web/templates/a.yaml: skipping an empty mapping"}, rendered(t, read(t, head+"-- templates/a.yaml --\n{}\n"), "").Warnings)
}

func aListIsItsItems(t *testing.T) {
	t.Parallel()
	c := read(t, head+"-- templates/a.yaml --\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: a}}\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}\n")
	equal(t, []string{"web/templates/a.yaml Secret/a", "web/templates/a.yaml ConfigMap/b"}, objects(rendered(t, c, "")))
}

func theLastOfTwoKeysCounts(t *testing.T) {
	t.Parallel()
	result := rendered(t, read(t, head+"-- templates/a.yaml --\n"+configMap+"first\n  x: last\n"), "")
	contains(t, encoded(t, result), "x: last")
	equal(t, []string{`web/templates/a.yaml:6: duplicate key "x"; the last value counts, as with Helm`}, result.Warnings)
}

func whatIsNoObjectIsRefused(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"a text\n":                     "not a Kubernetes object",
		"- a\n":                        "not a Kubernetes object",
		"a: [\n":                       "not valid YAML",
		"kind: ConfigMap\n":            "apiVersion",
		"a: 1\na: 2\n":                 `duplicate key "a"`,
		"a: &a [*a]\n":                 "an alias refers to its own anchor",
		"apiVersion: v1\nmetadata: {}": "kind",
	} {
		err := failing(t, head+"-- templates/a.yaml --\n"+text+"\n-- templates/b.yaml --\nb\n")
		if !strings.HasPrefix(err.Error(), "web/templates/a.yaml") || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "web/templates/b.yaml:1: not a Kubernetes object") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
