package lifecycle_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestTheFolderOfDefinitionsHoldsNothingElse(t *testing.T) {
	t.Parallel()
	const definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: as.example.com}\n---\n"
	for name, test := range map[string]struct{ file, text, want string }{
		"a definition":                 {"crds/a.yaml", definition, ""},
		"a ConfigMap":                  {"crds/a.yaml", definition + plantest.Object("v1", "ConfigMap", "a"), "crds/a.yaml:5: ConfigMap/a: crds/ holds CustomResourceDefinitions only; move it to templates/"},
		"a hook":                       {"crds/sub/a.yaml", plantest.Hook("a", "pre-install", ""), "crds/sub/a.yaml:1: Job/shop-a: crds/ holds CustomResourceDefinitions only; move it to templates/"},
		"a ConfigMap in its place":     {"templates/crds/a.yaml", plantest.Object("v1", "ConfigMap", "a"), ""},
		"a definition in templates":    {"templates/a.yaml", definition, ""},
		"another kind called the same": {"crds/a.yaml", "apiVersion: example.com/v1\nkind: CustomResourceDefinition\nmetadata: {name: a}\n", "crds/ holds"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nodes, err := manifest.Decode(test.file, []byte(test.text), nil)
			if err != nil {
				t.Fatal(err)
			}
			_, planErr := planNodes(release.OperationInstall, nodes, plan.Options{})
			for _, err := range []error{plan.Check(nodes, "web"), planErr} {
				var input *plan.InputError
				if test.want == "" && errors.As(err, &input) && strings.Contains(err.Error(), "crds/ holds") {
					t.Errorf("it is refused: %v", err)
				}
				if test.want != "" && (!errors.As(err, &input) || !strings.Contains(err.Error(), test.want)) {
					t.Errorf("the error is %v", err)
				}
			}
		})
	}
}

func TestARollbackRestoresWhatTheFolderOfDefinitionsHeld(t *testing.T) {
	t.Parallel()
	text := plantest.Object("v1", "ConfigMap", "a")
	request := plantest.Rollback(t, plantest.Revision(t, 1, release.Superseded, text), plantest.Revision(t, 2, release.Deployed, text))
	var err error
	if request.Nodes, err = manifest.Decode("crds/a.yaml", []byte(text), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := newWork(plan.New(request)); err != nil {
		t.Error(err)
	}
}
