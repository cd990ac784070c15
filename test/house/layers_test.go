package house

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/sherpack-io/kubectl-sherpack"

// layer is a folder of ours with the layers that its code may import. Folders below it belong to it, but for those that are
// layers themselves, which come before it in the table.
type layer struct {
	folder string
	may    []string
}

// layers is the house from the roof down.
func layers() []layer {
	return []layer{
		{folder: "cmd/kubectl-sherpack", may: []string{"pkg/plugin"}},
		{folder: "pkg/plugin", may: []string{
			"pkg/chart", "pkg/convert", "pkg/dependency", "pkg/diff", "pkg/helmrelease", "pkg/hook", "pkg/kinds", "pkg/kube", "pkg/kube/refusal", "pkg/lifecycle", "pkg/lint", "pkg/manifest", "pkg/pack", "pkg/patience",
			"pkg/plan", "pkg/printers", "pkg/progress", "pkg/reads", "pkg/reference", "pkg/release", "pkg/render", "pkg/source", "pkg/starter", "pkg/storage", "pkg/timeline", "pkg/words",
		}},
		{folder: "pkg/timeline", may: []string{"pkg/hook", "pkg/printers", "pkg/progress", "pkg/release", "pkg/words"}},
		{folder: "pkg/convert", may: []string{"pkg/lint", "pkg/manifest", "pkg/pack", "pkg/plan", "pkg/render", "pkg/source", "pkg/words"}},
		{folder: "pkg/lint", may: []string{"pkg/dependency", "pkg/hook", "pkg/kinds", "pkg/manifest", "pkg/pack", "pkg/plan", "pkg/release", "pkg/render", "pkg/source"}},
		{folder: "pkg/dependency", may: []string{"pkg/chart", "pkg/pack", "pkg/source", "pkg/words"}},
		{folder: "pkg/source", may: []string{"pkg/chart", "pkg/hook", "pkg/manifest", "pkg/pack", "pkg/render", "pkg/words"}},
		{folder: "pkg/chart", may: []string{"pkg/hook", "pkg/kinds", "pkg/manifest", "pkg/pack", "pkg/render", "pkg/strictyaml", "pkg/words"}},
		{folder: "pkg/helmrelease", may: []string{"pkg/chart", "pkg/hook", "pkg/kinds", "pkg/manifest", "pkg/pack", "pkg/plan", "pkg/release"}},
		{folder: "pkg/progress", may: []string{"pkg/lifecycle", "pkg/printers", "pkg/release", "pkg/words"}},
		{folder: "pkg/printers", may: []string{"pkg/diff", "pkg/hook", "pkg/kube/drift", "pkg/lifecycle", "pkg/plan", "pkg/release", "pkg/words"}},
		{folder: "pkg/lifecycle", may: []string{
			"pkg/diff", "pkg/hook", "pkg/kinds", "pkg/kube", "pkg/kube/health", "pkg/kube/refusal", "pkg/manifest", "pkg/plan", "pkg/release", "pkg/words",
		}},
		{folder: "pkg/plan", may: []string{"pkg/hook", "pkg/kinds", "pkg/kube/health", "pkg/manifest", "pkg/release", "pkg/words"}},
		{folder: "pkg/diff", may: []string{"pkg/kinds"}},
		{folder: "pkg/kube/drift", may: []string{"pkg/kinds", "pkg/kube/field"}},
		{folder: "pkg/kube/feed", may: []string{"pkg/patience"}},
		{folder: "pkg/kube/field"},
		{folder: "pkg/kube/health", may: []string{"pkg/kinds", "pkg/kube/field", "pkg/words"}},
		{folder: "pkg/kube/pods", may: []string{"pkg/kube/field", "pkg/kube/health", "pkg/words"}},
		{folder: "pkg/kube/refusal", may: []string{"pkg/kinds"}},
		{folder: "pkg/kube", may: []string{
			"pkg/kinds", "pkg/kube/drift", "pkg/kube/feed", "pkg/kube/field", "pkg/kube/health", "pkg/kube/pods", "pkg/kube/refusal", "pkg/patience",
			"pkg/words",
		}},
		{folder: "pkg/storage", may: []string{"pkg/patience", "pkg/release"}},
		{folder: "pkg/kinds"},
		{folder: "pkg/patience"},
		{folder: "pkg/release", may: []string{"pkg/kinds", "pkg/pack", "pkg/words"}},
		{folder: "pkg/hook", may: []string{"pkg/kinds", "pkg/words"}},
		{folder: "pkg/manifest", may: []string{"pkg/kinds", "pkg/strictyaml"}},
		{folder: "pkg/reads", may: []string{"pkg/pack", "pkg/words"}},
		{folder: "pkg/render", may: []string{"pkg/pack", "pkg/words"}},
		{folder: "pkg/pack", may: []string{"pkg/strictyaml", "pkg/words"}},
		{folder: "pkg/reference"},
		{folder: "pkg/starter"},
		{folder: "pkg/strictyaml"},
		{folder: "pkg/words"},
	}
}

// restriction is a library that only some of our folders may import.
type restriction struct {
	name    string
	library string
	only    []string
}

func restrictions() []restriction {
	return []restriction{
		{name: "cobra", library: "github.com/spf13/cobra", only: []string{"pkg/plugin"}},
		{name: "client-go", library: "k8s.io/client-go", only: []string{"pkg/kube", "pkg/plugin", "pkg/storage"}},
	}
}

func TestPackagesImportOnlyTheLayersBelow(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if !s.isTest() {
			check(t, importBreaches(s.path, imports(t, s)))
		}
	}
}

// A package one of whose tests uses a cluster is left out where there is none: of make test-race whole, and hack/mutants takes
// the tests of all others for ones that need no cluster.
func TestOnlyTheTestsOfWhatReachesAClusterUseOne(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		here, _ := layerOf(path.Dir(s.path))
		if !below(path.Dir(s.path), "pkg") || slices.Contains([]string{"pkg/kube", "pkg/storage"}, here.folder) {
			continue
		}
		if slices.Contains(imports(t, s), module+"/test/clustertest") {
			t.Errorf("%s must do without test/clustertest", s.path)
		}
	}
}

func TestEveryLayerExists(t *testing.T) {
	t.Parallel()
	all := sources(t)
	for _, l := range layers() {
		if !slices.ContainsFunc(all, func(s source) bool { return below(path.Dir(s.path), l.folder) }) {
			t.Errorf("%s is in the table and holds no Go file", l.folder)
		}
	}
}

func TestImportBreaches(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		file    string
		imports []string
		want    []string
	}{
		"a layer below is fine":               {file: "pkg/render/a.go", imports: []string{"strings", module + "/pkg/pack"}},
		"a folder below a layer is fine":      {file: "pkg/kube/wait/a.go", imports: []string{module + "/pkg/kube"}},
		"a layer that is a folder of another": {file: "pkg/kube/a.go", imports: []string{module + "/pkg/kube/field"}},
		"a layer above, whose folder it is in": {
			file: "pkg/kube/field/a.go", imports: []string{module + "/pkg/kube"},
			want: []string{"pkg/kube/field/a.go: pkg/kube/field must not import pkg/kube"},
		},
		"a layer that is a folder of one that may be imported": {
			file: "pkg/lifecycle/a.go", imports: []string{module + "/pkg/kube/field"},
			want: []string{"pkg/lifecycle/a.go: pkg/lifecycle must not import pkg/kube/field"},
		},
		"an unrelated library is fine": {file: "pkg/pack/a.go", imports: []string{"k8s.io/client-gopher"}},
		"a library in its own folder":  {file: "pkg/plugin/a.go", imports: []string{"github.com/spf13/cobra"}},
		"a layer above": {
			file: "pkg/pack/a.go", imports: []string{module + "/pkg/plugin"},
			want: []string{"pkg/pack/a.go: pkg/pack must not import pkg/plugin"},
		},
		"a layer beside, through a folder below it": {
			file: "pkg/hook/a.go", imports: []string{module + "/pkg/kube/wait"},
			want: []string{"pkg/hook/a.go: pkg/hook must not import pkg/kube/wait"},
		},
		"libraries out of place": {
			file: "pkg/printers/a.go", imports: []string{"k8s.io/client-go/kubernetes", "github.com/spf13/cobra"},
			want: []string{
				"pkg/printers/a.go: pkg/printers must not import k8s.io/client-go/kubernetes",
				"pkg/printers/a.go: pkg/printers must not import github.com/spf13/cobra",
			},
		},
		"a folder nobody entered in the table": {
			file: "pkg/misc/a.go",
			want: []string{"pkg/misc/a.go: pkg/misc has no place in the layers"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, importBreaches(test.file, test.imports)); diff != "" {
				t.Errorf("breaches (-want +got):\n%s", diff)
			}
		})
	}
}

// importBreaches lists what a file of ours imports against the tables, in import order.
func importBreaches(file string, imports []string) []string {
	folder := path.Dir(file)
	here, found := layerOf(folder)
	if !found {
		return []string{fmt.Sprintf("%s: %s has no place in the layers", file, folder)}
	}
	var breaches []string
	for _, imported := range imports {
		if !mayImport(here, imported) {
			breaches = append(breaches, fmt.Sprintf("%s: %s must not import %s", file, folder, strings.TrimPrefix(imported, module+"/")))
		}
	}
	return breaches
}

// layerOf returns the layer that a folder of ours belongs to.
func layerOf(folder string) (layer, bool) {
	here := slices.IndexFunc(layers(), func(l layer) bool { return below(folder, l.folder) })
	if here < 0 {
		return layer{}, false
	}
	return layers()[here], true
}

func mayImport(from layer, imported string) bool {
	if ours, ok := strings.CutPrefix(imported, module+"/"); ok {
		to, known := layerOf(ours)
		return known && (to.folder == from.folder || slices.Contains(from.may, to.folder))
	}
	for _, r := range restrictions() {
		if below(imported, r.library) && !belowAny(from.folder, r.only) {
			return false
		}
	}
	return true
}

func belowAny(name string, folders []string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool { return below(name, folder) })
}

// below reports whether a path is the folder or lies in it.
func below(name, folder string) bool {
	return name == folder || strings.HasPrefix(name, folder+"/")
}

func imports(t *testing.T, s source) []string {
	t.Helper()
	var paths []string
	for _, spec := range s.file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatalf("reading an import of %s: %v", s.path, err)
		}
		paths = append(paths, imported)
	}
	return paths
}
