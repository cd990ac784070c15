package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// mutant is one change that makes the program wrong.
type mutant struct {
	name string
	file string
	// old is a text that stands in the file exactly once, and new what it is replaced by.
	old, new string
	// means says what a user would suffer.
	means string
	// tests are those that should notice, the fastest first.
	tests []suite
	// lives says why no test notices, where that is as it should be; empty where one must.
	lives string
}

// suite is tests of one package.
type suite struct {
	pkg string
	// run is what go test -run takes.
	run string
}

// usesCluster reports whether the tests need a control plane.
func (s suite) usesCluster() bool {
	switch s.pkg {
	case "./pkg/kube", "./pkg/storage", "./test/e2e":
		return true
	}
	return false
}

// mutated returns the file with the change made.
func (m mutant) mutated(top string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(top, m.file))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.name, err)
	}
	if found := strings.Count(string(text), m.old); found != 1 {
		return nil, fmt.Errorf("%s: %s has the text %d times, not once:\n%s", m.name, m.file, found, m.old)
	}
	return []byte(strings.Replace(string(text), m.old, m.new, 1)), nil
}

// check reports what is wrong with a row of the table: a text that is not there any more, or a change that is no Go.
func (m mutant) check(top string) error {
	text, err := m.mutated(top)
	if err != nil {
		return err
	}
	if m.old == m.new || m.name == "" || m.means == "" || len(m.tests) == 0 {
		return fmt.Errorf("%s: the row is not complete", m.name)
	}
	if _, err := parser.ParseFile(token.NewFileSet(), m.file, text, parser.SkipObjectResolution); err != nil {
		return fmt.Errorf("%s: %w", m.name, err)
	}
	return nil
}
