package timeline_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/net/html"

	"github.com/sherpack-io/kubectl-sherpack/pkg/progress"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/timeline"
	"github.com/sherpack-io/kubectl-sherpack/test/golden"
)

func TestText(t *testing.T) {
	t.Parallel()
	t.Run("it is drawn for the terminal", textIsDrawnForTheTerminal)
	t.Run("no line is wider than the terminal", noLineIsWiderThanTheTerminal)
	t.Run("nothing on record is said", textOfNothing)
}

func textIsDrawnForTheTerminal(t *testing.T) {
	t.Parallel()
	interrupted := killed()
	interrupted.Status.Interrupted = release.OperationUpgrade
	for name, test := range map[string]struct {
		release *release.Release
		width   int
		style   progress.Style
	}{
		"text":             {upgraded(), 100, progress.Style{Unicode: true}},
		"text-ascii":       {upgraded(), 80, progress.Style{}},
		"text-colour":      {upgraded(), 80, progress.Style{Colour: true, Unicode: true}},
		"text-running":     {killed(), 80, progress.Style{}},
		"text-interrupted": {interrupted, 80, progress.Style{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if err := timeline.Of(test.release, noon()).Text(&out, test.width, test.style); err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, name+".txt", out.String())
		})
	}
}

func noLineIsWiderThanTheTerminal(t *testing.T) {
	t.Parallel()
	r := upgraded()
	r.Status.Timeline[1].Name = strings.Repeat("世界", 40)
	r.Status.Hooks[2].Reason = strings.Repeat("Reason", 40)
	for width := 40; width <= 200; width++ {
		for _, style := range []progress.Style{{}, {Unicode: true}, {Unicode: true, Colour: true}} {
			checkWidth(t, timeline.Of(r, noon()).Lines(width, style)[1:], width)
		}
	}
}

func checkWidth(t *testing.T, lines []string, width int) {
	t.Helper()
	for _, line := range lines {
		if got := ansi.StringWidth(line); got > width {
			t.Fatalf("%d columns of %d: %q", got, width, line)
		}
	}
}

func textOfNothing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := timeline.Of(release.New("shop", "web", 1), noon()).Text(&out, 80, progress.Style{}); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "operation of web/shop, revision 1\nNothing is on record of what was done when.\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// hostile has what a terminal would obey, and what HTML and XML would take for markup.
const hostile = "a\x1b[2J\x1b]0;title\a\u009b31m\rb\b\x7f\u202ec\u2066d\x00\xff]]><script>alert(1)</script><img src=x onerror='alert(1)'>\"'&amp;--><!--</style></title></svg>"

// hostileRelease says something hostile in every place.
func hostileRelease(text string) *release.Release {
	r := upgraded()
	r.Name, r.Namespace = text, text
	r.Spec.Pack, r.Spec.Description = release.Pack{Name: text, Version: text, AppVersion: text}, text
	r.Spec.Provenance = &release.Provenance{User: text, Host: text, Run: text, Commit: text, Dirty: true, Digest: text}
	r.Status.Message, r.Status.Operation, r.Status.Phase, r.Status.Interrupted = text, release.Operation(text), release.Phase(text), release.Operation(text)
	for i := range r.Status.Timeline {
		span := &r.Status.Timeline[i]
		span.Name, span.Counts = text, map[string]int{text: 1}
	}
	for i := range r.Status.Hooks {
		h := &r.Status.Hooks[i]
		h.Title, h.Message, h.LogTail, h.LogNote, h.Reason, h.Phase, h.State = text, text, text, text, text, text, release.HookState(text)
	}
	for i := range r.Status.Changes {
		change := &r.Status.Changes[i]
		change.Result = release.ChangeResult(text)
		for j := range change.Objects {
			change.Objects[j] = release.ObjectNames{Group: text, Kind: text, Namespace: text + text, Names: []string{text}}
		}
	}
	for i := range r.Status.Resources {
		resource := &r.Status.Resources[i]
		resource.Kind, resource.Name, resource.Namespace, resource.Role, resource.Origin = text, text, text, release.Role(text), release.Origin(text)
	}
	return r
}

func TestSVG(t *testing.T) {
	t.Parallel()
	t.Run("it is drawn", func(t *testing.T) {
		t.Parallel()
		golden.Compare(t, "timeline.svg", svg(t, upgraded()))
	})
	t.Run("hostile texts are escaped", func(t *testing.T) {
		t.Parallel()
		checkSVG(t, svg(t, hostileRelease(hostile)))
	})
	t.Run("it is drawn of nothing", func(t *testing.T) {
		t.Parallel()
		checkSVG(t, svg(t, release.New("shop", "web", 1)))
	})
}

func svg(t *testing.T, r *release.Release) string {
	t.Helper()
	var out bytes.Buffer
	if err := timeline.Of(r, noon()).SVG(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// checkSVG checks that a picture is XML of nothing but the elements that it is made of.
func checkSVG(t *testing.T, text string) {
	t.Helper()
	allowed := map[string]bool{"svg": true, "title": true, "style": true, "text": true, "rect": true, "line": true}
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%v in %q", err, text)
		}
		start, isStart := token.(xml.StartElement)
		if isStart && !allowed[start.Name.Local] {
			t.Errorf("it has an element %s", start.Name.Local)
		}
		for _, attribute := range start.Attr {
			if strings.HasPrefix(attribute.Name.Local, "on") || attribute.Name.Local == "href" {
				t.Errorf("it has an attribute %s", attribute.Name.Local)
			}
		}
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	t.Run("it is drawn", func(t *testing.T) {
		t.Parallel()
		golden.Compare(t, "page.html", page(t, upgraded()))
	})
	t.Run("it counts what changed where the record names no objects", pageOfARecordWithoutNames)
	t.Run("what changed of an operation that has not ended may not be all", whatChangedMayNotBeAll)
	t.Run("hostile texts are escaped", func(t *testing.T) {
		t.Parallel()
		checkPage(t, page(t, hostileRelease(hostile)))
	})
	t.Run("it needs nothing from elsewhere", pageNeedsNothingFromElsewhere)
	t.Run("only addresses of the web are links", onlyAddressesOfTheWebAreLinks)
	t.Run("it is drawn of nothing", func(t *testing.T) {
		t.Parallel()
		checkPage(t, page(t, release.New("shop", "web", 1)))
	})
	t.Run("one that cannot be written is an error", func(t *testing.T) {
		t.Parallel()
		if err := timeline.Page(broken{}, upgraded(), noon()); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%v", err)
		}
	})
}

func pageOfARecordWithoutNames(t *testing.T) {
	t.Parallel()
	r := upgraded()
	r.Status.Changes = nil
	text := page(t, r)
	for _, want := range []string{"<h2>What changed</h2>", "<tr><td>apply wave 4</td><td>3 configured, 1 created, 8 unchanged</td></tr>"} {
		if !strings.Contains(text, want) {
			t.Errorf("it has no %s", want)
		}
	}
	if strings.Contains(text, `<details class="change"`) {
		t.Error("it has objects")
	}
}

func whatChangedMayNotBeAll(t *testing.T) {
	t.Parallel()
	const note = "it may have changed more since"
	if strings.Contains(page(t, upgraded()), note) {
		t.Error("it is said of one that has ended")
	}
	r := killed()
	r.Status.Changes = release.Changes{many(release.ChangeCreated, 1, 1)}
	for _, interrupted := range []release.Operation{"", release.OperationUpgrade} {
		r.Status.Interrupted = interrupted
		if !strings.Contains(page(t, r), note) {
			t.Errorf("it is not said, interrupted: %q", interrupted)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, os.ErrClosed }

func page(t *testing.T, r *release.Release) string {
	t.Helper()
	var out bytes.Buffer
	if err := timeline.Page(&out, r, noon()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// checkPage checks that a page has no element and no attribute that runs or loads something, and nothing that turns the direction.
func checkPage(t *testing.T, text string) {
	t.Helper()
	if at := strings.IndexFunc(text, func(r rune) bool {
		return r != '\n' && r != '\t' && (r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069)
	}); at >= 0 {
		t.Errorf("it has %q", text[at:at+10])
	}
	decoder := html.NewTokenizer(strings.NewReader(text))
	for decoder.Next() != html.ErrorToken {
		token := decoder.Token()
		if token.Type != html.StartTagToken && token.Type != html.SelfClosingTagToken {
			continue
		}
		switch token.Data {
		case "script", "img", "iframe", "object", "embed", "link", "svg", "form", "base", "input":
			t.Errorf("it has an element %s", token.Data)
		}
		for _, attribute := range token.Attr {
			if strings.HasPrefix(attribute.Key, "on") || attribute.Key == "src" {
				t.Errorf("it has an attribute %s=%q", attribute.Key, attribute.Val)
			}
		}
	}
}

func pageNeedsNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	r := upgraded()
	r.Spec.Provenance.Run = ""
	if found := regexp.MustCompile(`(?i)https?://|url\(|@import|<script|<link`).FindString(page(t, r)); found != "" {
		t.Errorf("it has %s", found)
	}
}

func onlyAddressesOfTheWebAreLinks(t *testing.T) {
	t.Parallel()
	for address, isLink := range map[string]bool{
		"https://ci.example.com/7": true, "http://ci.example.com/7": true, "javascript:alert(1)": false, "data:text/html,a": false, "//x": false,
	} {
		r := upgraded()
		r.Spec.Provenance.Run = address
		if got := strings.Contains(page(t, r), "<a href"); got != isLink {
			t.Errorf("%s: a link: %v", address, got)
		}
	}
}

// Whatever is on record, a picture is XML and a page has nothing that runs.
func FuzzDrawing(f *testing.F) {
	f.Add(hostile, int64(0), int64(time.Minute))
	f.Add("", int64(-1), int64(1))
	f.Add("世界/\ud7ff", int64(1)<<62, -int64(1)<<62)
	f.Fuzz(func(t *testing.T, text string, start, end int64) {
		r := hostileRelease(text)
		r.Status.Timeline[0].StartedAt = release.Instant(time.Unix(0, start))
		last := release.Instant(time.Unix(0, end))
		r.Status.Timeline[1].FinishedAt = &last
		checkSVG(t, svg(t, r))
		checkPage(t, page(t, r))
		if err := timeline.Of(r, noon()).Text(io.Discard, 80, progress.Style{}); err != nil {
			t.Error(err)
		}
	})
}
