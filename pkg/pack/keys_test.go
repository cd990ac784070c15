package pack

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBadKeys(t *testing.T) {
	t.Parallel()
	t.Run("a pack with too many keys is refused", aPackWithTooManyKeysIsRefused)
}

func aPackWithTooManyKeysIsRefused(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString(minimal)
	for i := range 20_000 {
		fmt.Fprintf(&text, "k%d: 1\n", i)
	}
	_, err := New("p", asFiles(map[string]string{MetadataFile: text.String()}))
	if diff := cmp.Diff([]string{"p/Pack.yaml:1: a mapping has more than 10000 keys"}, lines(t, err)); diff != "" {
		t.Error(diff)
	}
}
