package house

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// guard is one rule of the linter that watches imports.
type guard struct {
	ListMode string   `json:"list-mode"`
	Files    []string `json:"files"`
	Deny     []denied `json:"deny"`
	Allow    []string `json:"allow"`
}

type denied struct {
	Pkg  string `json:"pkg"`
	Desc string `json:"desc"`
}

func TestLinterKnowsTheLayers(t *testing.T) {
	t.Parallel()
	var config struct {
		Linters struct {
			Settings struct {
				Depguard struct {
					Rules map[string]guard `json:"rules"`
				} `json:"depguard"`
			} `json:"settings"`
		} `json:"linters"`
	}
	if err := yaml.Unmarshal(read(t, ".golangci.yaml"), &config); err != nil {
		t.Fatalf("reading .golangci.yaml: %v", err)
	}
	got := config.Linters.Settings.Depguard.Rules
	delete(got, "helm")
	if diff := cmp.Diff(guards(), got); diff != "" {
		t.Errorf("depguard in .golangci.yaml and the layers here disagree (-layers +linter):\n%s", diff)
	}
}

// guards says in the linter's words what the tables of this package say.
func guards() map[string]guard {
	rules := map[string]guard{}
	for _, l := range layers() {
		allowed := []string{}
		for _, folder := range append(l.may, l.folder) {
			allowed = append(allowed, module+"/"+folder)
		}
		slices.Sort(allowed)
		rules[l.folder] = guard{
			ListMode: "lax",
			Files:    []string{"**/" + l.folder + "/**", "!$test"},
			Deny:     []denied{{Pkg: module, Desc: l.folder + " must not import it"}},
			Allow:    allowed,
		}
	}
	for _, r := range restrictions() {
		elsewhere := []string{"$all", "!$test", "!**/test/**"}
		for _, folder := range r.only {
			elsewhere = append(elsewhere, "!**/"+folder+"/**")
		}
		desc := fmt.Sprintf("only %s may import it", strings.Join(r.only, ", "))
		rules[r.name] = guard{ListMode: "lax", Files: elsewhere, Deny: []denied{{Pkg: r.library, Desc: desc}}}
	}
	return rules
}
