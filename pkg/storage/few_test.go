package storage

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

func TestFew(t *testing.T) {
	t.Parallel()
	t.Run("a list is read up to its limit", aListIsReadUpToItsLimit)
}

func aListIsReadUpToItsLimit(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, wrong string }{
		"nothing":        {"null", ""},
		"none":           {"[]", ""},
		"as many":        {`[{"name":"a"},{"name":"b"}]`, ""},
		"one more":       {`[{"name":"a"},{"name":"b"},{"name":"c"}]`, "it lists more than 2 objects"},
		"no list":        {`{"name":"a"}`, "it is no list"},
		"another item":   {`[1]`, "cannot unmarshal number"},
		"an end missing": {`[{"name":"a"}`, "unexpected end of JSON input"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compressed, err := compress([]byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			list := few[release.Entry]{most: 2}
			err = decompress(compressed, 100, &list)
			if (err != nil) != (test.wrong != "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("the error is %v", err)
			}
			want := strings.Count(test.text, "name")
			if test.wrong == "" && len(list.items) != want {
				t.Error(cmp.Diff(want, len(list.items)))
			}
		})
	}
}
