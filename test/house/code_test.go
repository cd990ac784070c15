package house

import (
	"fmt"
	"go/ast"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// maxFields is how many fields a struct may have; flag structs, which mirror a command line, may have more.
const maxFields = 10

// wide names the structs that may have more fields than maxFields, each with its reason.
func wide() map[string]string {
	const stored = "stored as it is, with a field for each thing the record has to say"
	return map[string]string{
		"pkg/release.Entry":  stored,
		"pkg/release.Hook":   stored,
		"pkg/release.Status": stored,
	}
}

func TestStructsStaySmall(t *testing.T) {
	t.Parallel()
	excused := map[string]bool{}
	for _, s := range sources(t) {
		for name, breach := range wideStructs(s) {
			excused[name] = wide()[name] != ""
			if !excused[name] {
				t.Error(breach)
			}
		}
	}
	for name := range wide() {
		if !excused[name] {
			t.Errorf("%s is excused from the limit and does not need to be", name)
		}
	}
}

func TestWideStructs(t *testing.T) {
	t.Parallel()
	const ten = "A, B, C, D, E, F, G, H, I, J int"
	for name, test := range map[string]struct {
		code string
		want map[string]string
	}{
		"ten fields are fine":       {code: "type T struct {" + ten + "}"},
		"flags may have more":       {code: "type InstallFlags struct {" + ten + "\nK int}"},
		"eleven fields":             {code: "type T struct {" + ten + "\nK int}", want: map[string]string{"pkg/a.T": "pkg/a.T has 11 fields, more than 10"}},
		"an embedded field counts":  {code: "type T struct {" + ten + "\nfmt.State}", want: map[string]string{"pkg/a.T": "pkg/a.T has 11 fields, more than 10"}},
		"a type inside a function":  {code: "func f() { type T struct {" + ten + "\nK int} }", want: map[string]string{"pkg/a.T": "pkg/a.T has 11 fields, more than 10"}},
		"other types do not matter": {code: "type T interface{ A(); B() }"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := wideStructs(parse(t, "pkg/a/a.go", "package a\n"+test.code))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("breaches (-want +got):\n%s", diff)
			}
		})
	}
}

// wideStructs finds the structs of a file with too many fields, flag structs aside: folder.Name to complaint.
// It is nil where there are none.
func wideStructs(s source) map[string]string {
	var found map[string]string
	ast.Inspect(s.file, func(node ast.Node) bool {
		spec, ok := node.(*ast.TypeSpec)
		if !ok || strings.HasSuffix(spec.Name.Name, "Flags") {
			return true
		}
		if fields := countFields(spec.Type); fields > maxFields {
			if found == nil {
				found = map[string]string{}
			}
			name := path.Dir(s.path) + "." + spec.Name.Name
			found[name] = fmt.Sprintf("%s has %d fields, more than %d", name, fields, maxFields)
		}
		return true
	})
	return found
}

// countFields counts the fields of a struct type, an embedded one as one; any other type has none.
func countFields(expr ast.Expr) int {
	structure, ok := expr.(*ast.StructType)
	if !ok {
		return 0
	}
	return structure.Fields.NumFields()
}
