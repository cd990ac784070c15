package main

import (
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What a mutant changes is still there, and what it makes of it is Go. Else it would be a mutant of nothing.
func TestTheTableFitsTheCode(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, m := range table() {
		if err := m.check("../.."); err != nil {
			t.Error(err)
		}
		if seen[m.name] {
			t.Errorf("%s is there twice", m.name)
		}
		seen[m.name] = true
	}
	const fewest = 50
	if len(seen) < fewest {
		t.Errorf("there are %d mutants, fewer than %d", len(seen), fewest)
	}
}

// Every mutant compiles: what does not build is noticed by no test.
func TestEveryMutantCompiles(t *testing.T) {
	t.Parallel()
	set := token.NewFileSet()
	compiled := importer.ForCompiler(set, "gc", exports(t))
	for _, m := range table() {
		text, err := m.mutated("../..")
		if err != nil {
			t.Error(err)
			continue
		}
		if err := typeCheck(set, compiled, m.file, text); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
}

// exports opens what the compiler has written of the packages that ours import.
func exports(t *testing.T) importer.Lookup {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", "./pkg/...")
	command.Dir = "../.."
	var problems strings.Builder
	command.Stderr = &problems
	output, err := command.Output()
	if err != nil {
		t.Fatalf("listing the packages: %v: %s", err, problems.String())
	}
	files := map[string]string{}
	for line := range strings.Lines(string(output)) {
		name, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		files[name] = file
	}
	return func(path string) (io.ReadCloser, error) { return os.Open(files[path]) }
}

// typeCheck checks the package of a file with another content of it.
func typeCheck(set *token.FileSet, compiled types.Importer, file string, text []byte) error {
	folder := filepath.Join("../..", filepath.Dir(file))
	found, err := build.ImportDir(folder, 0)
	if err != nil {
		return err
	}
	var files []*ast.File
	for _, name := range found.GoFiles {
		var content any
		if name == filepath.Base(file) {
			content = text
		}
		parsed, err := parser.ParseFile(set, filepath.Join(folder, name), content, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, parsed)
	}
	_, err = (&types.Config{Importer: compiled}).Check(file, set, files, nil)
	return err
}

// The tests that should notice a mutant exist.
func TestTheTestsOfTheTableExist(t *testing.T) {
	t.Parallel()
	known := map[string]map[string][]string{}
	for _, m := range table() {
		for _, s := range m.tests {
			if known[s.pkg] == nil {
				known[s.pkg] = testsIn(t, filepath.Join("../..", s.pkg))
			}
			exists(t, m, s, known[s.pkg])
		}
	}
}

// exists checks that a mutant's tests are among those of their package.
func exists(t *testing.T, m mutant, s suite, known map[string][]string) {
	t.Helper()
	test, part, _ := strings.Cut(s.run, "/")
	// Each alternative is a test of its own, which may have been renamed.
	for alternative := range strings.SplitSeq(test, "|") {
		if !matchesAny(regexp.MustCompile(alternative), slices.Collect(maps.Keys(known))) {
			t.Errorf("%s: %s has no test %s", m.name, s.pkg, alternative)
		}
	}
	if part == "" {
		return
	}
	script := filepath.Join("../..", s.pkg, "testdata/scripts", strings.Trim(part, "^$")+".txtar")
	if _, err := os.Stat(script); err != nil && !matchesAny(regexp.MustCompile(part), partsOf(regexp.MustCompile(test), known)) {
		t.Errorf("%s: %s has no test %s", m.name, s.pkg, s.run)
	}
}

// partsOf are the names of the subtests of tests whose names match.
func partsOf(tests *regexp.Regexp, known map[string][]string) []string {
	var parts []string
	for name, found := range known {
		if tests.MatchString(name) {
			parts = append(parts, found...)
		}
	}
	return parts
}

func matchesAny(pattern *regexp.Regexp, names []string) bool {
	for _, name := range names {
		if pattern.MatchString(name) {
			return true
		}
	}
	return false
}

// testsIn are the tests in a folder with the names of their subtests, as go test shows them, where these are plain text.
func testsIn(t *testing.T, folder string) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string][]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			if function, ok := declared.(*ast.FuncDecl); ok && function.Recv == nil && strings.HasPrefix(function.Name.Name, "Test") {
				tests[function.Name.Name] = subtestsIn(function)
			}
		}
	}
	return tests
}

func subtestsIn(function *ast.FuncDecl) []string {
	var names []string
	ast.Inspect(function, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		method, isMethod := call.Fun.(*ast.SelectorExpr)
		text, isText := call.Args[0].(*ast.BasicLit)
		if !isMethod || !isText || method.Sel.Name != "Run" {
			return true
		}
		if name, err := strconv.Unquote(text.Value); err == nil {
			names = append(names, strings.ReplaceAll(name, " ", "_"))
		}
		return true
	})
	return names
}

func TestRowsThatAreWrong(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	text := "package a\n\nfunc a() int { return 1 }\n\nfunc b() int { return 1 }\n"
	if err := os.WriteFile(filepath.Join(top, "a.go"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	fits := mutant{name: "a", file: "a.go", old: "func a() int { return 1", new: "func a() int { return 2", means: "a", tests: []suite{{}}}
	if err := fits.check(top); err != nil {
		t.Error(err)
	}
	for title, change := range map[string]func(*mutant){
		"a text that is gone":        func(m *mutant) { m.old = "return 3" },
		"a text that is there twice": func(m *mutant) { m.old = "return 1" },
		"a change that is no Go":     func(m *mutant) { m.new = "func a( int { return 2" },
		"no change":                  func(m *mutant) { m.new = m.old },
		"no tests":                   func(m *mutant) { m.tests = nil },
		"no meaning":                 func(m *mutant) { m.means = "" },
		"no such file":               func(m *mutant) { m.file = "b.go" },
	} {
		row := fits
		change(&row)
		if err := row.check(top); err == nil || !strings.HasPrefix(err.Error(), "a: ") {
			t.Errorf("%s: error %v", title, err)
		}
	}
}

func TestWhatNoticesAMutant(t *testing.T) {
	t.Parallel()
	const exit = "exit status 2\nFAIL\tpkg/plan\t0.1s\nFAIL\n"
	for title, test := range map[string]struct{ text, want string }{
		"a test":               {"--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/b (0.00s)\n", "TestA/b"},
		"a test that panics":   {"--- FAIL: TestA (0.00s)\npanic: no [recovered]\n" + exit, "TestA"},
		"a test without end":   {"panic: test timed out after 1s\n\trunning tests:\n\t\tTestA (1s)\n" + exit, "TestA (does not end)"},
		"a goroutine's panic":  {"panic: send on closed channel\n\ngoroutine 7 [running]:\n" + exit, "./pkg/plan (panics)"},
		"nothing":              {"signal: killed\n" + exit, ""},
		"a text about a panic": {"    a_test.go:1: no panic: none\n" + exit, ""},
	} {
		if got := killerIn(test.text, suite{pkg: "./pkg/plan"}); got != test.want {
			t.Errorf("%s: %q, want %q", title, got, test.want)
		}
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	killed := verdict{mutant: mutant{name: "a"}, killer: "TestA"}
	survived := verdict{mutant: mutant{name: "b"}}
	mayLive := verdict{mutant: mutant{name: "c", lives: "it is the same"}}
	untried := verdict{mutant: mutant{name: "d"}, skipped: true}
	for title, test := range map[string]struct {
		verdicts []verdict
		want     string
	}{
		"all are killed":    {[]verdict{killed, mayLive}, ""},
		"one survives":      {[]verdict{killed, survived}, errSurvivors.Error()},
		"two are not tried": {[]verdict{killed, untried, untried}, "2 mutants need a cluster: set SHERPACK_KUBECONFIG, or use make mutants"},
	} {
		got := ""
		if err := summary(test.verdicts); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s: error %q, want %q", title, got, test.want)
		}
	}
}
