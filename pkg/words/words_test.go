package words_test

import (
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

func TestSentences(t *testing.T) {
	t.Parallel()
	for want, parts := range map[string][]string{
		"":         {"", ""},
		"one":      {"one.", ""},
		"two":      {"", "two"},
		"one; two": {"one.", "two."},
		"one: two": {"one: two", "two."},
	} {
		if got := words.Sentences(parts...); got != want {
			t.Errorf("%q: %q", parts, got)
		}
	}
}

func TestCapital(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "a": "A", "given back": "Given back", "éa": "Éa", "1a": "1a"} {
		if got := words.Capital(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
