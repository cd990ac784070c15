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
// maxNesting is how deep control structures may stand in each other within one function. The linter's rule for that does not see
// loops over a range.
const (
	maxFields  = 10
	maxNesting = 3
)

// wide names the structs that may have more fields than maxFields, each with its reason.
func wide() map[string]string {
	const stored = "stored as it is, with a field for each thing the record has to say"
	return map[string]string{
		"pkg/lifecycle.Outcome": "a line of JSON, flat as its readers want it",
		"pkg/plan.Options":      "a choice of the user a field, as the flags have them",
		"pkg/release.Entry":     stored,
		"pkg/release.Hook":      stored,
		"pkg/release.Status":    stored,
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

func TestFunctionsNestLittle(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		check(t, nestingBreaches(s))
	}
}

func TestNestingBreaches(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body string
		want []string
	}{
		"three deep is fine":          {body: "for range x { for { if a { x() } } }"},
		"the branches of one if":      {body: "for { for { if a { x() } else if b { x() } else if c { x() } else { x() } } }"},
		"cases do not count":          {body: "for { switch { case a: if a { x() } } }"},
		"a literal starts anew":       {body: "for { for { if a { f(func() { for { if b { x() } } }) } } }"},
		"four deep":                   {body: "for range x { for { if a { if b { x() } } } }", want: []string{"a/a.go:2: nests 4 deep, more than 3"}},
		"an else that nests":          {body: "for { for { if a { x() } else { if b { x() } } } }", want: []string{"a/a.go:2: nests 4 deep, more than 3"}},
		"all kinds of structures":     {body: "switch { default: switch x.(type) { default: select { default: if a { x() } } } }", want: []string{"a/a.go:2: nests 4 deep, more than 3"}},
		"an else-if that is too deep": {body: "if a { x() } else if b { for { for { for { x() } } } }", want: []string{"a/a.go:2: nests 4 deep, more than 3"}},
		"a literal itself":            {body: "x()\nf(func() { for { for { for { for { x() } } } } })", want: []string{"a/a.go:3: nests 4 deep, more than 3"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := nestingBreaches(parse(t, "a/a.go", "package a\nfunc f() { "+test.body+" }"))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("breaches (-want +got):\n%s", diff)
			}
		})
	}
}

// nestingBreaches lists the functions and function literals of a file that nest too deep, in order.
func nestingBreaches(s source) []string {
	var found []string
	ast.Inspect(s.file, func(node ast.Node) bool {
		var depth int
		switch function := node.(type) {
		case *ast.FuncDecl:
			depth = deepest(function)
		case *ast.FuncLit:
			depth = deepest(function)
		}
		if depth > maxNesting {
			found = append(found, fmt.Sprintf("%s: nests %d deep, more than %d", s.at(node), depth, maxNesting))
		}
		return true
	})
	return found
}

// deepest is how many control structures stand in each other below a node, function literals left out.
// An else-if stands beside its if.
func deepest(root ast.Node) int {
	most := 0
	ast.Inspect(root, func(node ast.Node) bool {
		if node == nil || node == root {
			return true
		}
		switch node := node.(type) {
		case *ast.FuncLit:
			return false
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
			below := deepest(node)
			if parent, ok := root.(*ast.IfStmt); !ok || parent.Else != node {
				below++
			}
			most = max(most, below)
			return false
		}
		return true
	})
	return most
}
