package render

import (
	"reflect"
	"strings"
	"testing"

	"github.com/Masterminds/sprig/v3"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
)

func TestFunctions(t *testing.T) {
	t.Parallel()
	t.Run("all are there in lower case", functionsAreThereInLowerCase)
	t.Run("no two share a lower-case name", noTwoFunctionsShareALowerCaseName)
	t.Run("all have a signature", functionsHaveSignatures)
}

func functionsAreThereInLowerCase(t *testing.T) {
	t.Parallel()
	functions := newTestRun().functions
	for name := range sprig.TxtFuncMap() {
		if removed()[strings.ToLower(name)] != "" {
			if functions[name] != nil {
				t.Errorf("%s was not removed", name)
			}
			continue
		}
		if functions[name] == nil || functions[strings.ToLower(name)] == nil {
			t.Errorf("%s is missing, as it is or in lower case", name)
		}
	}
}

func newTestRun() *run { return newRun(Engine{}, pack.Alone(&pack.Pack{}, nil), Release{}) }

func noTwoFunctionsShareALowerCaseName(t *testing.T) {
	t.Parallel()
	owner := map[string]string{}
	for name := range newTestRun().functions {
		lower := strings.ToLower(name)
		if other, taken := owner[lower]; taken && name != lower && other != lower {
			t.Errorf("%s and %s", name, other)
		}
		owner[lower] = name
	}
}

func functionsHaveSignatures(t *testing.T) {
	t.Parallel()
	run := newTestRun()
	for name := range run.functions {
		signature, err := run.signature(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if want := reflect.TypeOf(run.functions[name]).NumIn(); len(signature.in) != want {
			t.Errorf("%s has %d parameters, not %d", name, len(signature.in), want)
		}
	}
	for _, name := range builtins() {
		if _, err := run.signature(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
