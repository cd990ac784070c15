package strictyaml

import (
	"strings"
	"testing"
)

func TestAliases(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 1<<20)
	for title, test := range map[string]struct{ text, want string }{
		"none":                     {"a: " + large, ""},
		"a few":                    {"a: &a {b: c}\nd: *a\ne: {<<: *a}", ""},
		"a large text often":       {"a: &a " + large + "\nb: [" + strings.Repeat("*a, ", 100) + "]", "the aliases stand for more than 64 MiB"},
		"a large text in an other": {"a: &a " + large + "\nb: &b [" + strings.Repeat("*a, ", 10) + "]\nc: [" + strings.Repeat("*b, ", 10) + "]", "the aliases stand for more than 64 MiB"},
		"in the second document":   {"a: 1\n---\na: &a " + large + "\nb: [" + strings.Repeat("*a, ", 100) + "]", "the aliases stand for more than 64 MiB"},
		"one in its anchor":        {"a: &a [*a]", "an alias refers to its own anchor"},
		"a merge in its anchor":    {"a: &a {<<: *a}", "an alias refers to its own anchor"},
		"what cannot be read":      {"a: &a [*a", "yaml: line 1: did not find expected ',' or ']'"},
		"no aliases but the signs": {"a: '*.b'\nc: a&b", ""},
		"no YAML without aliases":  {"a: [", ""},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := CheckAliasesIn([]byte(test.text)); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
