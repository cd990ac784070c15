package reads_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/reads"
)

// Each pack of a tree reads the values below its name, also with the definitions of another.
func TestPacks(t *testing.T) {
	t.Parallel()
	named := func(template string, names ...string) pack.Scope {
		p := packOf(map[string]string{"templates/a.yaml": template})
		p.Metadata.Name = names[len(names)-1]
		return pack.Scope{Pack: p, Names: names}
	}
	top := pack.Scope{Pack: packOf(map[string]string{
		"templates/a.yaml": `{{ values.replicas }}{{ include "labels" . }}{{ .Values.pg.port }}`,
	})}
	top.Pack.Dependencies = []pack.Dependency{{Name: "db", Condition: "db.enabled,features.db", Tags: []string{"data"}}}
	library := named(`{{ define "labels" }}{{ .Values.team }}{{ end }}{{ define "unused" }}{{ values.unused }}{{ end }}`, "common")
	db := named(`{{ include "labels" . }}{{ values.size }}{{ include "top" . }}`, "db")
	pg := named(`{{ .Values.disk }}`, "db", "pg")
	pg.Pack.Values = map[string]any{"deep": map[string]any{"key": 1}}
	db.Pack.Dependencies = []pack.Dependency{{Name: "pg", Tags: []string{"disks"}}}
	scopes := []pack.Scope{top, library, db, pg}
	given := `replicas team pg.port db.enabled features.db tags.data tags.disks db.size db.team db.pg.disk db.pg.deep.key common.unused global.any
		db.global.any db.pg.global.any size disk db.port db.disk db.unused db.pg.size db.pg.deep.kye tags.dta global2`
	want := `size disk db.port db.disk db.unused db.pg.size db.pg.deep.kye tags.dta global2`
	if diff := cmp.Diff(strings.Fields(want), unreadIn(t, scopes, given)); diff != "" {
		t.Errorf("unread (-want +got):\n%s", diff)
	}
	// Nobody knows what a chart reads, nor which tags its dependencies have.
	scopes = append(scopes, pack.Scope{Names: []string{"chart"}})
	if diff := cmp.Diff([]string{"size"}, unreadIn(t, scopes, "chart.any tags.any size")); diff != "" {
		t.Errorf("unread (-want +got):\n%s", diff)
	}
}

// unreadIn are those of some keys, as --set takes them, that no pack of a tree reads.
func unreadIn(t *testing.T, scopes []pack.Scope, given string) []string {
	t.Helper()
	values, err := pack.ValueSources{Set: strings.Fields(strings.ReplaceAll(strings.Join(strings.Fields(given), " "), " ", "=1 ") + "=1")}.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, unread := range reads.Of(scopes).Unread(values.Layers) {
		key, _, _ := strings.Cut(strings.TrimPrefix(unread.File, "--set "), ":")
		got = append(got, key)
	}
	return got
}
