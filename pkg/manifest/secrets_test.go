package manifest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

func TestValuesAreNotInErrors(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"*hunter2":                 "t.yaml: not valid YAML: no such anchor; quote a value that begins with *",
		"!!int hunter2":            "t.yaml:1: not valid YAML: cannot decode !!str as a !!int",
		"!!float |\n    hunter2\n": "t.yaml:1: not valid YAML: cannot decode !!str as a !!float",
		"{? [hunter2] : 1}":        "t.yaml:5: a key must be a string",
		"hunter2: a":               "t.yaml:5: not valid YAML: mapping values are not allowed in this context",
		"\"hunter2":                "t.yaml:5: not valid YAML: found unexpected end of stream",
		"@hunter2":                 "t.yaml:5: not valid YAML: found character that cannot start any token",
		"!!binary hunter2*":        "t.yaml:1: not valid YAML: !!binary value contains invalid base64 data",
	} {
		nodes, err := manifest.Decode("t.yaml", []byte("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  password: "+value+"\n"), nil)
		if err == nil {
			_, err = manifest.NewObject(nodes[0])
		}
		if err == nil {
			t.Errorf("%s is accepted", value)
			continue
		}
		if diff := cmp.Diff(want, err.Error()); diff != "" || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %s", value, diff)
		}
	}
}
