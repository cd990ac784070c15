package chart

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

const (
	// aboveEnv and belowEnv are a Deployment around the variables of a container.
	aboveEnv = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      initContainers:
      - name: init
        env: []
      containers:
      - name: web
        env:
`
	belowEnv = "      - name: none\n"
	// twice has a variable three times, and once is how it is applied.
	twice = aboveEnv + `        - name: A
          value: "1"
        - name: B
          value: $(A)
        - name: A
          value: "2"
        - name: A
          value: "3"
        - name: C
          value: "1"
        - name: D
          value: "2"
        - name: C
          value: $(D)
` + belowEnv
	once = aboveEnv + `        - name: A
          value: "3"
        - name: B
          value: $(A)
        - name: D
          value: "2"
        - name: C
          value: $(D)
` + belowEnv
)

func TestUniqueEnv(t *testing.T) {
	t.Parallel()
	const other = "apiVersion: example.com/v1\nkind: Deployment\nmetadata:\n  name: other\nspec:\n  env:\n  - {name: A}\n  - {name: A}\n"
	nodes, err := manifest.Decode("web/templates/a.yaml", []byte(twice+"---\n"+other), nil)
	if err != nil {
		t.Fatal(err)
	}
	warnings := UniqueEnv(nodes)
	want := []string{
		`web/templates/a.yaml: Deployment/web: container "web" has the environment variable A twice; the last one counts, also for the variables before it that refer to it`,
		`web/templates/a.yaml: Deployment/web: container "web" has the environment variable C twice; the last one counts`,
	}
	if diff := cmp.Diff(want, warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	text, err := manifest.Encode(nodes)
	if err != nil {
		t.Fatal(err)
	}
	const source = "---\n# Source: web/templates/a.yaml\n"
	if diff := cmp.Diff(source+once+source+other, text); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
}
