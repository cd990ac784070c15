package manifest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

func TestEncode(t *testing.T) {
	t.Parallel()
	t.Run("what is encoded is read back", whatIsEncodedIsReadBack)
}

func whatIsEncodedIsReadBack(t *testing.T) {
	t.Parallel()
	text := "# about a\napiVersion: v1\nkind: A\nmetadata:\n  name: a\n  annotations:\n    sherpack.io/hook-weight: -5 # early\n---\napiVersion: v1\nkind: B\nmetadata:\n  name: b\n"
	nodes := decode(t, text)
	encoded, err := manifest.Encode(nodes)
	if err != nil {
		t.Fatal(err)
	}
	want := "---\n# Source: templates/a.yaml\n# about a\napiVersion: v1\nkind: A\nmetadata:\n  name: a\n  annotations:\n    sherpack.io/hook-weight: \"-5\" # early\n" +
		"---\n# Source: templates/a.yaml\napiVersion: v1\nkind: B\nmetadata:\n  name: b\n"
	if diff := cmp.Diff(want, encoded); diff != "" {
		t.Fatal(diff)
	}
	again, err := manifest.DecodeStream([]byte(encoded))
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range again {
		if manifest.File(node) != "templates/a.yaml" {
			t.Errorf("the file is lost: %q", manifest.File(node))
		}
	}
	second, err := manifest.Encode(again)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(encoded, second); diff != "" {
		t.Error(diff)
	}
}
