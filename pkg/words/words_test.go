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
