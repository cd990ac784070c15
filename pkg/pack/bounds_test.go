package pack

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheNearestOfEndlessWordsIsNotLookedFor(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 300_000)
	if nearest := Nearest(long, []string{long + "b", "a"}); nearest != "" {
		t.Errorf("got a word of %d letters", len(nearest))
	}
	if nearest := Nearest("repositry", []string{long, "repository"}); nearest != "repository" {
		t.Errorf("got %q", nearest)
	}
}

// It took minutes when every problem looked through the whole file for its line.
func TestAllViolationsAreFound(t *testing.T) {
	t.Parallel()
	var values strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&values, "k%d: 1\n", i)
	}
	p, err := assemble("p", []File{
		{Path: MetadataFile, Data: []byte("apiVersion: sherpack/v1\nkind: application\nmetadata: {name: a, version: 1.0.0}\n")},
		{Path: ValuesFile, Data: []byte(values.String())},
		{Path: "values.schema.json", Data: []byte(`{"additionalProperties": {"type": "string"}}`)},
	})
	check(t, err)
	var invalid *InvalidError
	if _, err := p.Merge(nil); !errors.As(err, &invalid) || len(invalid.Problems) != 60_000 {
		t.Fatalf("got %.200v", err)
	}
}

func TestNamesOfTemplatesCanBePrinted(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"templates/a\nfoo: bar.yaml", "templates/a\u2028.yaml", "templates/\x1b[31m.yaml", "crds/\xff.yaml"} {
		_, err := assemble("p", []File{
			{Path: MetadataFile, Data: []byte("apiVersion: sherpack/v1\nkind: application\nmetadata: {name: a, version: 1.0.0}\n")},
			{Path: name},
		})
		var refused *FileError
		if !errors.As(err, &refused) {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

func TestWithin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		late := within(time.Second, func() error {
			<-t.Context().Done()
			return nil
		})
		if late == nil || late.Error() != "it takes longer than 1s" {
			t.Errorf("got %v", late)
		}
		wrong := errors.New("wrong")
		if err := within(time.Second, func() error { return wrong }); !errors.Is(err, wrong) {
			t.Errorf("got %v", err)
		}
	})
}
