// Package reference holds what kubectl sherpack explain prints: a page for each topic that authors of packs look up.
package reference

import (
	"embed"
	"fmt"
)

//go:embed *.txt
var pages embed.FS

// Topic is what a page is about.
type Topic struct {
	Name string
	// Short says in a line what is on the page.
	Short string
}

// Topics returns all topics.
func Topics() []Topic {
	return []Topic{
		{"hooks", "What a hook is, and when it runs, is done and is deleted"},
		{"phases", "The points of a release's lifecycle at which hooks run"},
		{"annotations", "The annotations that resources of a pack may have"},
		{"values", "Where values come from, and how templates use them"},
	}
}

// Page returns the text of a topic's page. The error is about a topic that there is not.
func Page(topic string) (string, error) {
	text, err := pages.ReadFile(topic + ".txt")
	if err != nil {
		return "", fmt.Errorf("no page about %q", topic)
	}
	return string(text), nil
}
