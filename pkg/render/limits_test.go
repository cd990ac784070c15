package render_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
)

func TestLimits(t *testing.T) {
	t.Parallel()
	t.Run("templates that never end are ended", templatesThatNeverEndAreEnded)
	t.Run("files that are all kept are too much", filesThatAreAllKeptAreTooMuch)
	t.Run("a rendering that takes too long is ended", aRenderingThatTakesTooLongIsEnded)
	t.Run("the stack holds the deepest template", theStackHoldsTheDeepestTemplate)
}

func templatesThatNeverEndAreEnded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"a list that is too long":          {`{{ until 1000000000000 }}`, "larger than 16 MiB"},
		"the same in steps":                {`{{ untilStep 0 1000000000 1 }}`, "larger than 16 MiB"},
		"the same downwards":               {`{{ untilStep 4611686018427387904 -4611686018427387904 -1 }}`, "larger than 16 MiB"},
		"a sequence":                       {`{{ seq 1 100000000 }}`, "larger than 16 MiB"},
		"a sequence in steps":              {`{{ seq 1 1 1000000000 }}`, "larger than 16 MiB"},
		"a repeated text":                  {`{{ repeat 1000000000000 "x" }}`, "larger than 16 MiB"},
		"an indented text":                 {`{{ "x" | nindent 1000000000000 }}`, "larger than 16 MiB"},
		"random text":                      {`{{ randAlphaNum 1000000000000 }}`, "larger than 16 MiB"},
		"a replaced text":                  {`{{ $x := repeat 100000 "x" }}{{ replace "x" $x $x }}`, "larger than 16 MiB"},
		"a joined list":                    {`{{ join (repeat 100000 "x") (until 100000) }}`, "larger than 16 MiB"},
		"a text that doubles":              {`{{ $x := "x" }}{{ range until 100 }}{{ $x = print $x $x }}{{ end }}`, "larger than 16 MiB"},
		"a list that doubles":              {`{{ $x := list 1 }}{{ range until 100 }}{{ $x = list $x $x }}{{ end }}{{ toYaml $x }}`, "larger than 16 MiB"},
		"a wide format":                    {`{{ printf "` + strings.Repeat("%100000d", 300) + `" 1 }}`, "more than 200 verbs"},
		"a format that repeats":            {`{{ printf "` + strings.Repeat("%[1]s", 150) + `" (repeat 1000000 "x") }}`, "arguments are too large"},
		"loops inside of loops":            {`{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}`, "more than 500000 turns"},
		"a range over a number":            {`{{ range 1000000000000 }}{{ end }}`, "more than 500000 turns"},
		"includes that double":             {doubling(), "more than 500000 turns"},
		"too much text":                    {`{{ $x := repeat 1000000 "x" }}{{ range until 1000 }}{{ $x }}{{ end }}`, "the pack renders to more than 64 MiB"},
		"a template that includes itself":  {`{{ include "self" . }}`, `include "self" is nested more than 1000 deep; does it include itself?`},
		"a template in itself":             {`{{ define "x" }}{{ template "x" . }}{{ end }}{{ template "x" . }}`, "nested more than 1000 deep"},
		"the same with much text":          {`{{ define "x" }}{{ print .big .big .big }}{{ template "x" . }}{{ end }}{{ template "x" (dict "big" (repeat 4000000 "x")) }}`, "make more than 512 MiB of values"},
		"the same with text of the pack":   {`{{ define "x" }}{{ .big }}{{ .big }}{{ .big }}{{ template "x" . }}{{ end }}{{ template "x" (dict "big" (repeat 4000000 "x")) }}`, "make more than 512 MiB of values"},
		"tpl in itself":                    {`{{ define "x" }}{{ tpl "{{ include \"x\" . }}" . }}{{ end }}{{ include "x" . }}`, "nested more than 1000 deep"},
		"a dictionary that holds itself":   {`{{ $d := dict }}{{ $_ := set $d "a" (list $d) }}{{ $d }}`, "does it contain itself?"},
		"the same as YAML":                 {`{{ $d := dict }}{{ $_ := set $d "a" $d }}{{ toYamlPretty $d }}`, "does it contain itself?"},
		"the same in a format":             {`{{ $d := dict }}{{ $_ := set $d "a" $d }}{{ printf "%v" $d }}`, "does it contain itself?"},
		"the same quoted":                  {`{{ $d := dict }}{{ $_ := set $d "a" $d }}{{ quote $d }}`, "does it contain itself?"},
		"the same as a key":                {`{{ $d := dict }}{{ $_ := set $d "a" $d }}{{ dict $d 1 }}`, "does it contain itself?"},
		"the same merged":                  {`{{ $d := dict }}{{ $_ := set $d "a" $d }}{{ merge (dict) $d }}`, "does it contain itself?"},
		"the same copied":                  {`{{ $d := dict }}{{ $_ := set $d "a" $d }}{{ deepCopy $d }}`, "does it contain itself?"},
		"blocks inside of blocks":          {strings.Repeat("{{ if true }}", 300) + strings.Repeat("{{ end }}", 300), "more than 200 blocks"},
		"parentheses inside of each other": {"{{ " + strings.Repeat("(", 500) + "1" + strings.Repeat(")", 500) + " }}", "more than 200 parts"},
		"a long pipe":                      {"{{ 1 " + strings.Repeat("| default 1 ", 500) + "}}", "more than 200 parts"},
		"values that are all kept":         {`{{ $d := dict }}{{ range until 1000 }}{{ $_ := set $d (toString .) (repeat 1000000 "x") }}{{ end }}`, "make more than 512 MiB of values"},
		"a list that grows in a loop":      {`{{ $x := list }}{{ range until 400000 }}{{ $x = append $x . }}{{ end }}`, "make more than 512 MiB of values"},
		"items compared with each other":   {`{{ uniq (until 100000) }}`, "more than 10000 items to be compared"},
		"a text split into letters":        {`{{ split "" (repeat 2000000 "x") }}`, "larger than 16 MiB"},
		"the same by an expression":        {`{{ regexSplit "" (repeat 2000000 "x") -1 }}`, "larger than 16 MiB"},
		"a large regular expression":       {`{{ regexMatch (repeat 20000 "(a|b)*") "a" }}`, "longer than 64 KiB"},
		"one that takes long":              {`{{ regexMatch (repeat 1000 "(a|b)*") (repeat 1000000 "a") }}`, "too large for a regular expression of this size"},
		"a pattern that takes long":        {`{{ .Files.Glob (repeat 100 "*a") }}`, "more than 8 wildcards"},
		"a pattern inside of itself":       {`{{ .Files.Glob (repeat 1000000 "{") }}`, "more than 8 wildcards"},
		"a wrapped text":                   {`{{ wrapWith 1 (repeat 10000 "x") (repeat 10000 "y ") }}`, "larger than 16 MiB"},
		"a large text to decode":           {`{{ fromYaml (repeat 5000000 "x") }}`, "larger than 4 MiB"},
		"a nested text to decode":          {`{{ fromToml (print "a = " (repeat 100000 "[")) }}`, "nested more than 1000 deep"},
		"the same by its keys":             {`{{ fromToml (print "[a" (repeat 100000 ".a") "]") }}`, "nested more than 1000 deep"},
		"more actions than are parsed":     {strings.Repeat("{{if 1}}", 150_000), "more than 100000 actions"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := one(test.text, true)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %.100q, %.300v", got, err)
			}
		})
	}
}

// doubling defines templates that include the next one twice.
func doubling() string {
	var text strings.Builder
	for i := range 40 {
		fmt.Fprintf(&text, `{{ define "d%d" }}{{ include "d%d" . }}{{ include "d%d" . }}{{ end }}`, i, i+1, i+1)
	}
	return text.String() + `{{ define "d40" }}{{ end }}{{ include "d0" . }}`
}

// Methods make values, too, and every template that is included by another may keep some.
func filesThatAreAllKeptAreTooMuch(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]string{
		"lines":    `.Files.Lines "large.txt"`,
		"the text": `.Files.Get "large.txt"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := testPack(true, map[string]string{"templates/t.yaml": `{{ define "f" }}{{ $x := ` + call + ` }}{{ include "f" . }}{{ end }}{{ include "f" . }}`})
			p.Files = []pack.File{{Path: "large.txt", Data: bytes.Repeat([]byte("x\n"), 400_000)}}
			_, err := testEngine().Render(pack.Alone(p, testValues()), testRelease())
			if err == nil || !strings.Contains(err.Error(), "make more than 512 MiB of values") {
				t.Errorf("got %.300v", err)
			}
		})
	}
}

// The clock runs a second for each time that it is looked at.
func aRenderingThatTakesTooLongIsEnded(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"in a loop":   `{{ range until 1000 }}x{{ end }}`,
		"in a call":   `{{ upper "a" }}` + strings.Repeat(`{{ upper "b" }}`, 1000),
		"in includes": `{{ define "a" }}{{ include "b" . }}{{ end }}{{ define "b" }}{{ end }}` + strings.Repeat(`{{ include "a" . }}`, 500),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engine, now := testEngine(), time.Time{}
			engine.Now = func() time.Time {
				now = now.Add(time.Second)
				return now
			}
			_, err := engine.Render(pack.Alone(testPack(true, map[string]string{"templates/t.yaml": text}), testValues()), testRelease())
			if err == nil || !strings.Contains(err.Error(), "rendering the pack takes longer than 1m0s") {
				t.Errorf("got %.300v", err)
			}
		})
	}
}

// The deepest that the bounds allow must not overflow the stack, which no program survives.
func theStackHoldsTheDeepestTemplate(t *testing.T) {
	t.Parallel()
	const deep = 95
	text := `{{ define "a" }}` + strings.Repeat("{{ with 1 }}", 2*deep) +
		"{{ " + strings.Repeat("quote (default (", deep) + `include "a" .` + strings.Repeat(") 0)", deep) + " }}" +
		strings.Repeat("{{ end }}", 2*deep) + `{{ end }}{{ include "a" . }}`
	if _, err := one(text, true); err == nil || !strings.Contains(err.Error(), "nested more than 1000 deep") {
		t.Errorf("got %.300v", err)
	}
}
