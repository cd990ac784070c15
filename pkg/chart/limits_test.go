package chart

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

func TestLimits(t *testing.T) {
	t.Parallel()
	t.Run("what takes too much is given up", whatTakesTooMuch)
	t.Run("the memory of the program is known", theMemoryIsKnown)
	t.Run("a chart that was given up is not rendered again", aChartThatWasGivenUp)
	t.Run("calls that make too much are refused", callsThatMakeTooMuch)
	t.Run("charts that are too many", chartsThatAreTooMany)
	t.Run("a chart that depends on itself", aChartThatDependsOnItself)
	t.Run("templates that include themselves end", templatesThatIncludeThemselves)
}

func whatTakesTooMuch(t *testing.T) {
	t.Parallel()
	for says, test := range map[string]limits{
		"rendering the chart takes longer than 1ms":                                                                        {time: time.Millisecond, memory: 1, stack: 1, used: used(0, 0)},
		"rendering the chart takes more than 1 MiB of memory":                                                              {time: time.Hour, memory: 1 << 20, stack: 1 << 20, used: used(3<<20, 0)},
		"rendering the chart takes more than 2 MiB of memory for templates inside of each other; does one include itself?": {time: time.Hour, memory: 1 << 20, stack: 2 << 20, used: used(0, 3<<20)},
	} {
		test.look = time.Microsecond
		never := make(chan error)
		err := test.bounded(func() error { return <-never })
		if err == nil || err.Error() != says || !errors.As(err, new(*exceeded)) {
			t.Errorf("%v, want %q", err, says)
		}
		close(never)
	}
}

func theMemoryIsKnown(t *testing.T) {
	t.Parallel()
	if heap, stack := memory(); heap < 1<<16 || stack < 1<<12 {
		t.Errorf("a heap of %d bytes and stacks of %d", heap, stack)
	}
}

// used tells of a heap and a stack that are empty at first and then of this size.
func used(heap, stack uint64) func() (uint64, uint64) {
	asked := false
	return func() (uint64, uint64) {
		if !asked {
			asked = true
			return 0, 0
		}
		return heap, stack
	}
}

func aChartThatWasGivenUp(t *testing.T) {
	t.Parallel()
	c := read(t, head)
	c.limits = limits{time: time.Hour, look: time.Hour, used: used(0, 0)}
	want := exceed("too much")
	calls := 0
	for range 2 {
		if _, err := c.bounded(func() error { calls++; return want }); !errors.Is(err, want) {
			t.Error(err)
		}
	}
	if _, err := c.Complete(render.Values{}); err == nil || !strings.Contains(err.Error(), "too much") {
		t.Error(err)
	}
	equal(t, 1, calls)
}

func callsThatMakeTooMuch(t *testing.T) {
	t.Parallel()
	for template, says := range map[string]string{
		`{{ repeat 1000000000 "abc" }}`:                         "the value is larger than 16 MiB",
		`{{ until 1000000000 }}`:                                "the value is larger than 16 MiB",
		`{{ untilStep 0 1000000000 1 }}`:                        "the value is larger than 16 MiB",
		`{{ seq 1000000000 }}`:                                  "the value is larger than 16 MiB",
		`{{ indent 1000000000 "a" }}`:                           "the value is larger than 16 MiB",
		`{{ randAlphaNum 1000000000 }}`:                         "the value is larger than 16 MiB",
		`{{ uniq (until 1000000) }}`:                            "items to be compared with each other",
		`{{ regexMatch (repeat 1000000 "(a|b)*") "a" }}`:        "the regular expression is longer than 64 KiB",
		`{{ regexMatch "(a|b|c){1000}" (repeat 5000000 "a") }}`: "the text is too large for a regular expression of this size",
	} {
		if err := failing(t, head+"-- templates/a.yaml --\n"+template+"\n"); !strings.HasPrefix(err.Error(), "web/templates/a.yaml:1: ") || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", template, err)
		}
	}
}

func chartsThatAreTooMany(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	folder := ""
	for level := range 4 {
		fmt.Fprintf(&text, "-- %sChart.yaml --\napiVersion: v2\nname: c%d\nversion: 1.0.0\ndependencies:\n", folder, level)
		for alias := range 100 {
			fmt.Fprintf(&text, "- {name: c%d, alias: a%d}\n", level+1, alias)
		}
		folder += fmt.Sprintf("charts/c%d/", level+1)
	}
	fmt.Fprintf(&text, "-- %sChart.yaml --\napiVersion: v2\nname: c4\nversion: 1.0.0\n", folder)
	_, err := read(t, text.String()).Complete(render.Values{})
	if err == nil || !strings.Contains(err.Error(), "more than 1000 charts") {
		t.Error(err)
	}
}

func aChartThatDependsOnItself(t *testing.T) {
	t.Parallel()
	own := head + "dependencies: [{name: web, repository: \"file://.\"}]\n-- templates/a.yaml --\n" + object("ConfigMap", "{{ .Values.name | default \"top\" }}")
	_, err := read(t, own).Complete(render.Values{})
	if err == nil || !strings.Contains(err.Error(), "not in charts/: web") {
		t.Error(err)
	}
	c, err := New("web", addFile(files(own), "charts/web.tgz", tgz(t, "web", files(own))))
	check(t, err)
	equal(t, []string{"web/charts/web/templates/a.yaml ConfigMap/below", "web/templates/a.yaml ConfigMap/top"}, objects(rendered(t, c, "web: {name: below}")))
}

func templatesThatIncludeThemselves(t *testing.T) {
	t.Parallel()
	for title, template := range map[string]string{
		"include":        `{{ define "x" }}{{ include "x" . }}{{ end }}{{ include "x" . }}`,
		"include by tpl": `{{ define "x" }}{{ tpl "{{ include \"x\" . }}" . }}{{ end }}{{ include "x" . }}`,
	} {
		if err := failing(t, head+"-- templates/a.yaml --\n"+template+"\n"); len(err.Error()) > 2*maxMessage {
			t.Errorf("%s: an error of %d bytes", title, len(err.Error()))
		}
	}
	text, err := read(t, head+"-- templates/a.yaml --\n"+configMap+`{{ $_ := set .Values "own" .Values }}{{ toJson .Values }}`+"\n").Complete(render.Values{})
	check(t, err)
	if _, err := text.Render(engineWith(), release()); err != nil {
		t.Errorf("values that contain themselves: %v", err)
	}
}
