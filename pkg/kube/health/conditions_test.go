package health_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
)

func TestParseConditions(t *testing.T) {
	t.Parallel()
	t.Run("semicolons separate several", semicolonsSeparateSeveral)
	t.Run("it says what is wrong", parseConditionsSaysWhatIsWrong)
}

func semicolonsSeparateSeveral(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"condition=Ready":                       {"condition=Ready"},
		"condition=Ready;create":                {"condition=Ready", "create"},
		" condition=Ready ; jsonpath={.a}=1 ":   {"condition=Ready", "jsonpath={.a}=1"},
		`jsonpath={.a[?(@.b==";")].c}=1;delete`: {`jsonpath={.a[?(@.b==";")].c}=1`, "delete"},
		`jsonpath='{.a}'=';x';condition=Ready`:  {`jsonpath='{.a}'=';x'`, "condition=Ready"},
		`jsonpath={.a}="b;c"`:                   {`jsonpath={.a}="b;c"`},
	} {
		conditions, err := health.ParseConditions(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got []string
		for _, condition := range conditions {
			got = append(got, condition.String())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func parseConditionsSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                       `unrecognized condition: ""`,
		"condition=Ready;":       `unrecognized condition: ""`,
		"condition=Ready;readdy": `unrecognized condition: "readdy"`,
		"jsonpath={.a}=1=2":      `condition "jsonpath={.a}=1=2": the form is jsonpath='{.status.readyReplicas}'=3 or jsonpath='{.status.readyReplicas}'`,
		"jsonpath={.a}=":         `condition "jsonpath={.a}=": a value must follow the equals sign, as in jsonpath='{.status.readyReplicas}'=3`,
		"jsonpath=":              `condition "jsonpath=": the jsonpath expression is empty`,
		"jsonpath={.a[}":         `condition "jsonpath={.a[}": unterminated array`,
	} {
		if _, err := health.ParseConditions(text); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestMet(t *testing.T) {
	t.Parallel()
	t.Run("create is met by existence, whatever its case", createIsMetByExistenceWhateverItsCase)
	t.Run("several must all hold", severalConditionsMustAllHold)
}

func createIsMetByExistenceWhateverItsCase(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"create": "met", "Create": "met", "CREATE": "met", "delete": "not met", "DELETE": "not met"} {
		if got := met(&unstructured.Unstructured{Object: map[string]any{}}, text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func severalConditionsMustAllHold(t *testing.T) {
	t.Parallel()
	object := &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{
		"phase": "Done", "conditions": []any{map[string]any{"type": "Ready", "status": "True"}},
	}}}
	for text, want := range map[string]string{
		"condition=Ready;jsonpath='{.status.phase}'=Done": "met",
		"condition=Ready;jsonpath={.status.phase}=No":     "not met",
		"condition=Other;jsonpath={.status.phase}=Done":   "not met",
		"condition=Ready;create":                          "met",
		"condition=Ready;delete":                          "not met",
	} {
		if got := met(object, text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func FuzzParseConditions(f *testing.F) {
	for _, text := range []string{
		"condition=Ready", "condition=Ready=a=b", "condition=", "jsonpath=status.phase=Done", `jsonpath={.status.phase}="Done"`,
		"jsonpath={.status.phase}= Done", "jsonpath={.status.list[*]}=1", `jsonpath={.status.pairs[?(@.name=="y")].value}=2`,
		"", "conditions=Ready", "jsonpath={}", "jsonpath={.a}=b=c", "jsonpath={.a}{.b}=c", "jsonpath={.a[}=1", "jsonpath={range .a}=1",
		"create", "create=1", `jsonpath={.a[?(@.b==";")].c}='x;y';delete`,
	} {
		f.Add(text)
	}
	object := &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"a": []any{"b", int64(1)}}}}
	f.Fuzz(func(t *testing.T, text string) {
		conditions, err := health.ParseConditions(text)
		if err != nil {
			return
		}
		if _, err := health.ParseConditions(conditions.String()); err != nil {
			t.Errorf("%q is not read again: %v", conditions, err)
		}
		_, _ = conditions.Met(object)
	})
}

// met tells how the conditions of a text go with an object.
func met(object *unstructured.Unstructured, text string) string {
	conditions, err := health.ParseConditions(text)
	if err != nil {
		return "refused"
	}
	met, err := conditions.Met(object)
	switch {
	case err != nil:
		return "error: " + strings.TrimPrefix(err.Error(), conditions.String()+": ")
	case met:
		return "met"
	}
	return "not met"
}
