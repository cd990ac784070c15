package lifecycle_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

// Regular Secrets and hooks are applied with data, as the API server would store them.
func TestStringDataIsAppliedAsData(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ given, want string }{
		"stringData":                     {`"stringData":{"a":"one"}`, `{"data":{"a":"b25l"}}`},
		"both":                           {`"data":{"a":"eA==","b":"dHdv"},"stringData":{"a":"one"}`, `{"data":{"a":"b25l","b":"dHdv"}}`},
		"none":                           {`"data":{"a":"eA=="}`, `{"data":{"a":"eA=="}}`},
		"nothing at all":                 {`"immutable":true`, `{"immutable":true}`},
		"an empty one":                   {`"stringData":{}`, `{}`},
		"null":                           {`"stringData":null,"data":null`, `{"data":null}`},
		"a null":                         {`"stringData":{"a":null}`, `{"data":{"a":""}}`},
		"bytes, as they are":             {`"stringData":{"a":"é\n"}`, `{"data":{"a":"w6kK"}}`},
		"a number, which is refused":     {`"stringData":{"a":1,"b":"x"}`, `{"stringData":{"a":1,"b":"x"}}`},
		"a list, which is refused":       {`"stringData":["a"]`, `{"stringData":["a"]}`},
		"data of no use, which is, too":  {`"stringData":{"a":"one"},"data":"x"`, `{"data":"x","stringData":{"a":"one"}}`},
		"data of any kind is left alone": {`"stringData":{"a":"one"},"data":{"b":7}`, `{"data":{"a":"b25l","b":7}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},` + test.given + "}\n---\n" +
				`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"b","annotations":{"sherpack.io/hook":"pre-install"}},` + test.given + "}\n---\n" +
				`{"apiVersion":"example.com/v1","kind":"Secret","metadata":{"name":"c"},"stringData":{"a":"one"}}`
			scopes := plantest.Scopes()
			for kind := range scopes {
				if kind.Kind == "Secret" {
					kind.Group = "example.com"
					scopes[kind] = true
				}
			}
			planned, err := newWork(plan.New(plan.Request{
				Operation: release.OperationInstall, Release: release.New("shop", "web", 1), Nodes: plantest.Nodes(t, text), Scopes: scopes,
			}))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, step := range planned.Steps {
				for _, h := range step.Hooks {
					got = append(got, contentOf(t, h.Object.Object))
				}
				for _, object := range step.Objects {
					got = append(got, contentOf(t, object.Object))
				}
			}
			if diff := cmp.Diff([]string{test.want, test.want, `{"stringData":{"a":"one"}}`}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// contentOf is an object without what names it, as JSON.
func contentOf(t *testing.T, object map[string]any) string {
	t.Helper()
	content := map[string]any{}
	for key, value := range object {
		if !slices.Contains([]string{"apiVersion", "kind", "metadata"}, key) {
			content[key] = value
		}
	}
	text, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
