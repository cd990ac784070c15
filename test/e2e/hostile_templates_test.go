//go:build unix

package e2e

import (
	"maps"
	"strings"
	"testing"
)

//nolint:tparallel // Each may take a gigabyte.
func TestHostileTemplatesAreRefused(t *testing.T) {
	t.Parallel()
	cases := map[string]hostile{}
	for title, test := range map[string]struct{ text, says string }{
		"a range of ranges":           {`{{ range until 1000000 }}{{ range until 1000000 }}x{{ end }}{{ end }}`, "more than 500000 turns"},
		"until without end":           {`{{ until 1000000000 }}`, "larger than 16 MiB"},
		"untilStep without end":       {`{{ untilStep 0 1000000000 1 }}`, "larger than 16 MiB"},
		"seq without end":             {`{{ seq 1000000000 }}`, "larger than 16 MiB"},
		"a number without end":        {`{{ range 1000000000000 }}{{ end }}`, "more than 500000 turns"},
		"repeat":                      {`{{ repeat 1000000000 "abc" }}`, "larger than 16 MiB"},
		"indent":                      {`{{ indent 1000000000 "a" }}`, "larger than 16 MiB"},
		"randAlphaNum":                {`{{ randAlphaNum 1000000000 }}`, "larger than 16 MiB"},
		"a text that doubles":         {`{{ $s := "ab" }}{{ range until 60 }}{{ $s = print $s $s }}{{ end }}`, "larger than 16 MiB"},
		"a list that doubles":         {`{{ $s := list 1 }}{{ range until 60 }}{{ $s = concat $s $s }}{{ end }}`, "more than 1048576 items"},
		"a list that grows":           {`{{ $s := list }}{{ range until 400000 }}{{ $s = append $s . }}{{ end }}`, "make more than 512 MiB"},
		"texts that are kept":         {`{{ $d := dict }}{{ $s := repeat 8000000 "x" }}{{ range until 400000 }}{{ $_ := set $d (toString .) (print $s .) }}{{ end }}`, "make more than 512 MiB"},
		"decoded texts that are kept": {`{{ $d := dict }}{{ $s := print "[" (repeat 300000 "{},") "1]" }}{{ range until 400000 }}{{ $_ := set $d (toString .) (fromJsonArray $s) }}{{ end }}`, "make more than 512 MiB"},
		"output without end":          {`{{ $s := repeat 1000000 "x" }}{{ range until 1000 }}{{ $s }}{{ end }}`, "renders to more than 64 MiB"},
		"each item with each other":   {`{{ uniq (until 1000000) }}`, "to be compared with each other"},
		"tpl in itself":               {`{{ define "x" }}{{ tpl "{{ include \"x\" . }}" . }}{{ end }}{{ include "x" . }}`, "nested more than 1000 deep"},
		"include through several":     {`{{ define "a" }}{{ include "b" . }}{{ end }}{{ define "b" }}{{ include "c" . }}{{ end }}{{ define "c" }}{{ include "a" . }}{{ end }}{{ include "a" . }}`, "nested more than 1000 deep"},
		"values that hold themselves": {`{{ $_ := set .Values "a" .Values }}{{ toYaml .Values }}`, "does it contain itself?"},
		"a dictionary compared":       {`{{ $d := dict }}{{ $_ := set $d "a" $d }}{{ $e := dict }}{{ $_ := set $e "a" $e }}{{ fail (toString (deepEqual $d $e)) }}`, "true"},
		"a regular expression":        {`{{ regexMatch (repeat 1000000 "(a|b)*") "a" }}`, "longer than 64 KiB"},
		"a nested one":                {`{{ mustRegexMatch (print (repeat 5000 "(") "a" (repeat 5000 ")")) "a" }}`, "expression nests too deeply"},
		"a pattern for files":         {`{{ .Files.Glob (repeat 1000000 "{") }}`, "more than 8 wildcards"},
		"YAML that unfolds":           {`{{ $x := fromYaml .Values.bomb }}{{ fail $x.Error }}`, "excessive aliasing"},
		"YAML that is nested":         {`{{ $x := fromYaml (repeat 4000000 "[") }}{{ fail $x.Error }}`, "exceeded max depth"},
		"JSON that is nested":         {`{{ $x := fromJson (print "{\"a\":" (repeat 4000000 "[")) }}{{ fail $x.Error }}`, "exceeded max depth"},
		"TOML that is nested":         {`{{ fromToml (print "a = " (repeat 4000000 "[")) }}`, "nested more than 1000 deep"},
		"parentheses":                 {"{{ " + strings.Repeat("(", 100_000) + "1" + strings.Repeat(")", 100_000) + " }}", "templates/hostile.yaml:1"},
		"blocks":                      {strings.Repeat("{{ if 1 }}", 90_000) + strings.Repeat("{{ end }}", 90_000), "templates/hostile.yaml:1"},
		"actions":                     {strings.Repeat("{{ 1 }}", 200_000), "more than 100000 actions"},
		"a text without an end":       {`{{ "` + strings.Repeat("a", 1_000_000), "templates/hostile.yaml:1: "},
		"a division by zero":          {`{{ div 1 0 }}`, "div: integer divide by zero"},
		"control characters":          {`{{ fail "\u001b[2J\u009b31m\u202e" }}`, "�[2J�31m�"},
	} {
		cases[title] = hostile{files: map[string]string{"templates/hostile.yaml": test.text, "values.yaml": "bomb: |\n  " + strings.ReplaceAll(bomb(), "\n", "\n  ") + "\n"}, code: 3, says: test.says}
	}
	maps.Copy(cases, hostileDocuments())
	maps.Copy(cases, hostileAnnotations())
	refuse(t, cases)
}

// hostileDocuments are templates whose text is no manifest.
func hostileDocuments() map[string]hostile {
	cases := map[string]hostile{}
	for title, test := range map[string]struct{ text, says string }{
		"aliases that unfold":        {plainTemplate + bomb(), "the aliases of this document stand for more than"},
		"merges that unfold":         {plainTemplate + mergeBomb(), "the aliases of this document stand for more than"},
		"an alias in its anchor":     {plainTemplate + "a: &a [*a]\n", "an alias refers to its own anchor"},
		"a merge in its anchor":      {plainTemplate + "a: &a {<<: *a}\n", "not valid YAML"},
		"many values":                {"a:\n{{ range until 9 }}{{ repeat 250000 \"- a\\n\" }}{{ end }}", "the manifest has more than 2000000 values"},
		"aliases of other documents": {plainTemplate + "a: &a [" + strings.Repeat("a,", 200_000) + "]\n" + strings.Repeat("---\n"+plainTemplate+"a: *a\n", 20), "the manifest has more than 2000000 values"},
		"nested lists":               {plainTemplate + "a: " + strings.Repeat("[", 1_000_000) + "\n", "exceeded max depth"},
		"zero":                       {plainTemplate + "a: \"\x00\"\n", "control characters are not allowed"},
		"keys that stand twice":      {plainTemplate + "data:\n" + strings.Repeat("  a: b\n", 100_000), `templates/hostile.yaml:6: duplicate key "a"`},
		"a key that is a list":       {plainTemplate + "? [a]\n: 1\n", "templates/hostile.yaml:4: a key must be a string"},
		"no number":                  {plainTemplate + "a: .nan\n", "not valid YAML"},
		"a number without end":       {plainTemplate + "a: .inf\n", "not valid YAML"},
		"many documents":             {strings.Repeat("a\n---\n", 100_000), "not a Kubernetes object"},
		"an object of itself":        {plainTemplate + "---\n" + plainTemplate, "hostile"},
	} {
		cases["YAML: "+title] = hostile{files: map[string]string{"templates/hostile.yaml": test.text}, code: 3, says: test.says}
	}
	twice := cases["YAML: an object of itself"]
	twice.code = 2
	cases["YAML: an object of itself"] = twice
	return cases
}

// hostileAnnotations are those of hooks, half a megabyte of each.
func hostileAnnotations() map[string]hostile {
	cases := map[string]hostile{}
	hook := "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: hostile\n  annotations:\n    sherpack.io/hook: pre-install\n    sherpack.io/"
	for title, annotation := range map[string]string{
		"hook-weight": "high", "hook-delete-policy": "never", "hook-timeout": "soon", "hook-needs": "it", "ready-when": "soon", "failed-when": "never",
	} {
		text := hook + title + ": " + strings.Repeat(annotation, 500_000/len(annotation)) + "\n"
		cases["a large annotation "+title] = hostile{files: map[string]string{"templates/hostile.yaml": text}, code: 2, says: "sherpack.io/" + title}
	}
	return cases
}

// bomb is a YAML mapping that is small, and has ten million words if its aliases are written out.
func bomb() string {
	var text strings.Builder
	text.WriteString("a0: &a0 word\n")
	for i := range 7 {
		from, to := string(rune('0'+i)), string(rune('1'+i))
		text.WriteString("a" + to + ": &a" + to + " [" + strings.TrimSuffix(strings.Repeat("*a"+from+", ", 10), ", ") + "]\n")
	}
	return text.String()
}

// mergeBomb is the same with merged keys.
func mergeBomb() string {
	var text strings.Builder
	text.WriteString("b: &b {k: v}\n")
	name := "b"
	for range 30 {
		next := name + "b"
		text.WriteString(next + ": &" + next + " {<<: [*" + name + ", *" + name + "], " + next + ": 1}\n")
		name = next
	}
	return text.String()
}
