package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Everything that is linked has a license, on every platform. This fails where a new dependency has none.
func TestNoticesOfTheProgram(t *testing.T) {
	t.Chdir("../..")
	var out bytes.Buffer
	if err := run(t.Context(), nil, &out); err != nil {
		t.Fatal(err)
	}
	for title, want := range map[string]string{
		"the standard library":           "\nthe Go standard library: LICENSE\n",
		"a dependency":                   "\nk8s.io/client-go v",
		"code that a dependency took in": "/third_party/forked/golang/LICENSE\n",
		"what Windows alone needs":       "\ngithub.com/inconshreveable/mousetrap v",
		"a notice beside a license":      ": NOTICE\n",
		"the text of a license":          "Apache License\n                           Version 2.0, January 2004",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s: %q is not there", title, want)
		}
	}
	if strings.Contains(out.String(), "sherpack-io") {
		t.Error("our own license is among those of others")
	}
	var again bytes.Buffer
	if err := run(t.Context(), nil, &again); err != nil || again.String() != out.String() {
		t.Errorf("the second time it is another text, error %v", err)
	}
}

// tree writes files below a folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	top := t.TempDir()
	for name, text := range files {
		path := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return top
}

func TestNotices(t *testing.T) {
	t.Parallel()
	first := tree(t, map[string]string{
		"LICENSE": "be nice\r\n", "license.go": "package a", "NOTICE.txt": "by Ann\n", "README.md": "a",
		"b/c/COPYING": "share\n", "b/c/c.go": "package c", "unlinked/LICENSE": "no",
	})
	second := tree(t, map[string]string{"LICENCE-MIT": "\nbe nice\n"})
	got, err := notices([]module{
		{Name: "a v1", Dir: first, Folders: []string{first, filepath.Join(first, "b", "c")}},
		{Name: "d v2", Dir: second, Folders: []string{second}},
	})
	if err != nil {
		t.Fatal(err)
	}
	double, single := strings.Repeat("=", 80), strings.Repeat("-", 80)
	want := "kubectl-sherpack contains code of others, under the terms that follow. Each text names where it is from.\n" +
		"\n" + double + "\na v1: LICENSE\nd v2: LICENCE-MIT\n" + single + "\n\nbe nice\n" +
		"\n" + double + "\na v1: NOTICE.txt\n" + single + "\n\nby Ann\n" +
		"\n" + double + "\na v1: b/c/COPYING\n" + single + "\n\nshare\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestModulesWithoutALicenseAreAnError(t *testing.T) {
	t.Parallel()
	top := tree(t, map[string]string{"a.go": "package a", "docs/LICENSE": "no"})
	_, err := notices([]module{{Name: "a v1", Dir: top, Folders: []string{top}}, {Name: "b v1", Dir: top, Folders: []string{top}}})
	if err == nil || !strings.Contains(err.Error(), "a v1: no license found") || !strings.Contains(err.Error(), "b v1: no license found") {
		t.Errorf("error %v", err)
	}
}

// Distributions of Linux leave the license out of Go's own folder.
func TestTheStandardLibraryHasTheLicenseOfItsAuthors(t *testing.T) {
	t.Parallel()
	bare := tree(t, map[string]string{"src/fmt/print.go": "package fmt"})
	text := tree(t, map[string]string{"LICENSE": "Copyright 2009 The Go Authors.", "PATENTS": "granted"})
	forked := tree(t, map[string]string{"LICENSE": "Copyright somebody"})
	standard := module{Name: standardLibrary, Dir: bare, Folders: []string{bare}}
	got, err := notices([]module{
		{Name: "golang.org/x/forked v1", Dir: forked, Folders: []string{forked}},
		{Name: "golang.org/x/text v1", Dir: text, Folders: []string{text}},
		standard,
	})
	want := "\ngolang.org/x/text v1: LICENSE\nthe Go standard library: LICENSE\n"
	if err != nil || !strings.Contains(got, want) {
		t.Errorf("%v, it lacks %q:\n%s", err, want, got)
	}
	other := module{Name: "a v1", Dir: text, Folders: []string{text}}
	if _, err := notices([]module{other, standard}); err == nil || !strings.Contains(err.Error(), "the Go standard library: no license found") {
		t.Errorf("error %v", err)
	}
}
