package pack

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDependencies(t *testing.T) {
	t.Parallel()
	t.Run("they are read", dependenciesAreRead)
	t.Run("all problems are named", dependencyProblems)
	t.Run("versions are constraints", versionsAreConstraints)
	t.Run("what lies in packs is no other file", whatLiesInPacks)
	t.Run("archives in archives share a budget", archivesInArchivesShareABudget)
}

func dependenciesAreRead(t *testing.T) {
	t.Parallel()
	p := build(t, map[string]string{MetadataFile: minimal + `dependencies:
  - {name: db, version: ^1.2, repository: "file://../db", alias: store, condition: "store.on,global.on", tags: [a, b]}
  - {name: web}
`})
	want := []Dependency{
		{Name: "db", Version: "^1.2", Repository: "file://../db", Alias: "store", Condition: "store.on,global.on", Tags: []string{"a", "b"}},
		{Name: "web"},
	}
	if diff := cmp.Diff(want, p.Dependencies); diff != "" {
		t.Error(diff)
	}
	if got := []string{want[0].Key(), want[1].Key(), want[0].Location()}; !slices.Equal(got, []string{"store", "web", "../db"}) {
		t.Errorf("got %q", got)
	}
	if got := p.DependencyProblem(1, "gone").String(); got != "p/Pack.yaml:6: dependencies[1]: gone" {
		t.Errorf("got %q", got)
	}
}

func dependencyProblems(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[{name: db, verson: 1}]":                       "dependencies[0].verson: unknown key; did you mean version?",
		"[{version: 1.x}]":                              `dependencies[0].name: is "", must be 1 to 63 letters, digits, dashes, dots or underscores, a letter or digit first and last`,
		"[{name: db, version: newest}]":                 `dependencies[0].version: is "newest", must be a version constraint such as ^1.2.0: improper constraint: "newest"`,
		"[{name: db, alias: a.b}]":                      `dependencies[0].alias: is "a.b", must be letters, digits, dashes or underscores`,
		"[{name: db, condition: 'a, b'}]":               "dependencies[0].condition: has blanks; separate paths by commas alone, as in db.enabled,global.db.enabled",
		"[{name: db, repository: 'oci://example.com'}]": "dependencies[0].repository: is an address of oci://; registries are not supported yet; name a folder or an archive, such as ../db",
		"[{name: db, repository: '@stable'}]":           "dependencies[0].repository: is the name of a repository of Helm; registries are not supported yet; name a folder or an archive, such as ../db",
		"[{name: db}, {name: db}]":                      `dependencies[1]: is called "db" like another dependency; give one of them an alias`,
		"[{name: global}]":                              "dependencies[0]: is called global, which is the key of values that all packs see; give it an alias",
		"{name: db}":                                    "is a mapping, must be a list",
	} {
		_, err := New("p", asFiles(map[string]string{MetadataFile: minimal + "dependencies: " + text + "\n"}))
		if diff := cmp.Diff([]string{"p/Pack.yaml:4: " + want}, lines(t, err)); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func versionsAreConstraints(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		" 1.0.0": true, " 1.0.0-rc.1": true, "^1.2 1.3.0": true, "^1.2 2.0.0": false, "1.x 1.3.0-rc.1": false, ">=1.0.0-0 1.3.0-rc.1": true,
		"=1.2.0+a 1.2.0+a": true, "^1 newest": false,
	} {
		constraint, version, _ := strings.Cut(text, " ")
		if got := (Dependency{Version: constraint}).Allows(version); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func whatLiesInPacks(t *testing.T) {
	t.Parallel()
	var archive strings.Builder
	check(t, build(t, map[string]string{MetadataFile: strings.Replace(minimal, "name: a", "name: b", 1)}).WriteArchive(&archive))
	p := build(t, map[string]string{
		"packs/a/Pack.yaml": minimal, "packs/a/templates/x.yaml": "x", "packs/a/crds/x.yaml": "x", "packs/b-1.0.0.tgz": archive.String(),
		"packs/.gitkeep": "", "packs/_old/x": "", LockFile: "", "files/x": "x",
	})
	if diff := cmp.Diff([]string{"files/x"}, paths(p.Files)); diff != "" || len(p.Templates)+len(p.CRDs) > 0 {
		t.Errorf("%s, %v, %v", diff, p.Templates, p.CRDs)
	}
	nested, err := p.Nested(PacksFolder)
	check(t, err)
	var got []string
	for _, n := range nested {
		got = append(got, n.Path+": "+strings.Join(paths(n.Files), " "))
	}
	if diff := cmp.Diff([]string{"packs/a: Pack.yaml crds/x.yaml templates/x.yaml", "packs/b-1.0.0.tgz: Pack.yaml"}, got); diff != "" {
		t.Error(diff)
	}
	_, err = build(t, map[string]string{"packs/README.md": ""}).Nested(PacksFolder)
	if diff := cmp.Diff([]string{"p/packs/README.md: neither a folder nor a .tgz archive of a pack or chart"}, lines(t, err)); diff != "" {
		t.Error(diff)
	}
}

func archivesInArchivesShareABudget(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x", 1000)
	for depth := range maxNesting + 1 {
		var archive strings.Builder
		check(t, build(t, map[string]string{"packs/a-1.0.0.tgz": text, "data": strings.Repeat("x", 100)}).WriteArchive(&archive))
		text = archive.String()
		if depth == 0 {
			text = zippedFile(t)
		}
	}
	files := asFiles(map[string]string{MetadataFile: minimal, "packs/a-1.0.0.tgz": text})
	err := newBudget().nested(files, 0)
	if err == nil || !strings.Contains(err.Error(), "archives are nested more than 10 deep") {
		t.Errorf("got %v", err)
	}
	little := &budget{entries: 3, bytes: maxTotal}
	if err := little.nested(files, 0); err == nil || !strings.Contains(err.Error(), "more than 10000 files") {
		t.Errorf("got %v", err)
	}
}

// zippedFile is the archive of a pack.
func zippedFile(t *testing.T) string {
	t.Helper()
	var archive strings.Builder
	check(t, build(t, nil).WriteArchive(&archive))
	return archive.String()
}
