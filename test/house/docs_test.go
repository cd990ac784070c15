package house

import (
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	fence   = regexp.MustCompile("(?ms)^```(.*?)\n(.*?)^```$")
	heading = regexp.MustCompile(`(?m)^(#+) +(.*)$`)
	link    = regexp.MustCompile(`\]\(([^)#:\s]*)#([^)\s]+)\)`)
	comment = regexp.MustCompile(`(?m)(^|\s)#.*$`)
)

// A page that is there in two languages has the same sections and examples in both.
func TestPagesInFrenchAreTwins(t *testing.T) {
	t.Parallel()
	twins := 0
	for _, name := range files(t) {
		english := strings.TrimSuffix(name, ".fr.md") + ".md"
		if !strings.HasSuffix(name, ".fr.md") {
			continue
		}
		twins++
		if diff := cmp.Diff(outline(string(read(t, english))), outline(string(read(t, name)))); diff != "" {
			t.Errorf("%s and %s (-first +second):\n%s", english, name, diff)
		}
	}
	if twins == 0 {
		t.Error("no page is in French")
	}
}

// outline is what two languages of a page have in common: the levels of its headings, its rows of tables, and its examples without
// their comments.
func outline(page string) []string {
	var found []string
	for _, block := range fence.FindAllStringSubmatch(page, -1) {
		found = append(found, block[1], comment.ReplaceAllString(block[2], ""))
	}
	prose := fence.ReplaceAllString(page, "")
	for _, match := range heading.FindAllStringSubmatch(prose, -1) {
		found = append(found, match[1])
	}
	for line := range strings.Lines(prose) {
		if strings.HasPrefix(line, "| ") {
			first, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
			if strings.HasPrefix(first, "`") {
				found = append(found, first)
			}
		}
	}
	return found
}

func TestOutline(t *testing.T) {
	t.Parallel()
	page := "# A\n\ntext\n\n| `a` | b |\n\n```sh\n# comment\nrun # it\n```\n\n## B\n"
	if diff := cmp.Diff([]string{"sh", "\nrun\n", "#", "##", "`a`"}, outline(page)); diff != "" {
		t.Error(diff)
	}
}

// Links to a section of a page lead to one of its headings.
func TestLinksToSectionsLead(t *testing.T) {
	t.Parallel()
	for _, name := range files(t) {
		if path.Ext(name) != ".md" {
			continue
		}
		prose := fence.ReplaceAllString(string(read(t, name)), "")
		for _, match := range link.FindAllStringSubmatch(prose, -1) {
			target := name
			if match[1] != "" {
				target = path.Join(path.Dir(name), match[1])
			}
			if !hasHeading(string(read(t, target)), match[2]) {
				t.Errorf("%s: %s#%s: no such heading", name, match[1], match[2])
			}
		}
	}
}

// hasHeading reports whether a page has a heading with that anchor, as GitHub makes it.
func hasHeading(page, anchor string) bool {
	for _, match := range heading.FindAllStringSubmatch(fence.ReplaceAllString(page, ""), -1) {
		words := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(match[2]), "")
		if strings.ReplaceAll(words, " ", "-") == anchor {
			return true
		}
	}
	return false
}
