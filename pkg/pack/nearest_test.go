package pack

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	t.Run("the word that is nearest", nearestWord)
	t.Run("that of endless words is not looked for", nearestOfEndlessWords)
}

func nearestWord(t *testing.T) {
	t.Parallel()
	keys := []string{"repository", "tag", "pullPolicy", "replicas"}
	for word, want := range map[string]string{
		"repo": "repository", "repositroy": "repository", "tga": "tag", "Tag": "tag", "pullpolicy": "pullPolicy",
		"replica": "replicas", "zzz": "", "": "", "x": "",
	} {
		if got := Nearest(word, keys); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}

func nearestOfEndlessWords(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 300_000)
	if nearest := Nearest(long, []string{long + "b", "a"}); nearest != "" {
		t.Errorf("got a word of %d letters", len(nearest))
	}
	if nearest := Nearest("repositry", []string{long, "repository"}); nearest != "repository" {
		t.Errorf("got %q", nearest)
	}
}
