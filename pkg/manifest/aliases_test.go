package manifest_test

import (
	"testing"
)

func TestAliases(t *testing.T) {
	t.Parallel()
	t.Run("annotations come through aliases and merges", annotationsComeThroughAliasesAndMerges)
}

func annotationsComeThroughAliasesAndMerges(t *testing.T) {
	t.Parallel()
	nodes := decode(t, "apiVersion: v1\nkind: A\nx-common: &common {sherpack.io/hook-weight: 5}\nmetadata:\n  name: a\n  annotations:\n    <<: *common\n    b: c\n")
	if got := nodes[0].GetAnnotations()["sherpack.io/hook-weight"]; got != "5" {
		t.Errorf("got %q", got)
	}
}
