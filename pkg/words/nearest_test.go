package words_test

import (
	"strings"
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	t.Run("the word that is nearest", nearestWord)
	t.Run("that of endless words is not looked for", nearestOfEndlessWords)
	t.Run("it ends a message", nearestEndsAMessage)
}

func nearestWord(t *testing.T) {
	t.Parallel()
	keys := []string{"repository", "tag", "pullPolicy", "replicas"}
	for word, want := range map[string]string{
		"repo": "repository", "repositroy": "repository", "tga": "tag", "Tag": "tag", "pullpolicy": "pullPolicy",
		"replica": "replicas", "zzz": "", "": "", "x": "",
	} {
		if got := words.Nearest(word, keys); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}

func nearestOfEndlessWords(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 300_000)
	if nearest := words.Nearest(long, []string{long + "b", "a"}); nearest != "" {
		t.Errorf("got a word of %d letters", len(nearest))
	}
	if nearest := words.Nearest("repositry", []string{long, "repository"}); nearest != "repository" {
		t.Errorf("got %q", nearest)
	}
}

func nearestEndsAMessage(t *testing.T) {
	t.Parallel()
	type phase string
	for word, want := range map[string]string{"tset": "; did you mean test?", "zzz": ""} {
		if got := words.Suggestion(word, []phase{"install", "test"}); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}
