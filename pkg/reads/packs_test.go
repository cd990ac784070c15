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
	scopes := []pack.Scope{top, library, db, pg, {Names: []string{"chart"}}}
	given := `replicas team pg.port db.enabled features.db tags.data db.size db.team db.pg.disk db.pg.deep.key chart.any common.unused global.any
		db.global.any db.pg.global.any size disk db.port db.disk db.unused db.pg.size db.pg.deep.kye tags.dta global2`
	want := `size disk db.port db.disk db.unused db.pg.size db.pg.deep.kye tags.dta global2`
	values, err := pack.ValueSources{Set: strings.Fields(strings.ReplaceAll(strings.Join(strings.Fields(given), " "), " ", "=1 ") + "=1")}.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, unread := range reads.Of(scopes).Unread(values.Layers) {
		key, _, _ := strings.Cut(strings.TrimPrefix(unread.File, "--set "), ":")
		got = append(got, key)
	}
	if diff := cmp.Diff(strings.Fields(want), got); diff != "" {
		t.Errorf("unread (-want +got):\n%s", diff)
	}
}
