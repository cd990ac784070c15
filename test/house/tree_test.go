// Package house holds the rules of the house that no linter can express: who imports whom, how large a type may
// grow, what may stand in a file of the repository, and that its lists and manifests agree with the code.
package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// source is one parsed Go file; its path is relative to the top of the repository.
type source struct {
	path string
	file *ast.File
	set  *token.FileSet
}

// at says where a node stands: path and line.
func (s source) at(node ast.Node) string {
	return fmt.Sprintf("%s:%d", s.path, s.set.Position(node.Pos()).Line)
}

// isTest reports whether the file is no part of the program: a test file, or anything in the folders of tests and tools.
func (s source) isTest() bool {
	return strings.HasSuffix(s.path, "_test.go") || strings.HasPrefix(s.path, "test/") || strings.HasPrefix(s.path, "hack/")
}

// repository is the tree that the tests look at.
func repository() fs.FS { return os.DirFS("../..") }

// read returns the content of one file of the repository.
func read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := fs.ReadFile(repository(), name)
	if err != nil {
		t.Fatalf("reading %s: %v", name, err)
	}
	return content
}

// files lists every file of the repository in path order, without what git ignores and git's own.
func files(t *testing.T) []string {
	t.Helper()
	ignored := append(strings.Fields(string(read(t, ".gitignore"))), ".git")
	var found []string
	err := fs.WalkDir(repository(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.ContainsFunc(ignored, func(pattern string) bool { return matches(pattern, name) }):
			return fs.SkipDir
		case name == ".git":
			// In a linked worktree it is a file that says where git keeps its own.
		case entry.Type().IsRegular():
			found = append(found, name)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("listing the repository: %v", err)
	}
	return found
}

// matches reports whether a line of .gitignore names a folder; a line with a leading slash counts at the top only.
func matches(line, folder string) bool {
	line = strings.TrimSuffix(line, "/")
	if top, ok := strings.CutPrefix(line, "/"); ok {
		return top == folder
	}
	return line == path.Base(folder)
}

// sources parses every Go file of the repository, other modules' included, those in testdata folders left out.
func sources(t *testing.T) []source {
	t.Helper()
	var parsed []source
	for _, name := range files(t) {
		if path.Ext(name) == ".go" && !strings.Contains(name, "testdata/") {
			parsed = append(parsed, parse(t, name, string(read(t, name))))
		}
	}
	return parsed
}

// parse reads Go code as if it stood in the repository under the given name.
func parse(t *testing.T, name, code string) source {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, code, parser.SkipObjectResolution)
	if err != nil {
		t.Fatalf("parsing %s: %v", name, err)
	}
	return source{path: name, file: file, set: set}
}

// check fails the test with one line for each breach.
func check(t *testing.T, breaches []string) {
	t.Helper()
	for _, breach := range breaches {
		t.Error(breach)
	}
}
