package chart

import (
	"runtime"
	"strings"
	"unicode"

	"sigs.k8s.io/kustomize/kyaml/yaml"
	k8syaml "sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/strictyaml"
)

// documents gathers rendered files, and reads the resources in them. The zero value has none.
type documents struct {
	all      []document
	warnings []string
}

// document is one document of a rendered file.
type document struct{ file, text string }

// decoded is what a document has.
type decoded struct {
	nodes   []*yaml.RNode
	warning string
	err     error
}

// add adds the documents of a file, split as Helm splits them.
func (d *documents) add(file, text string) {
	for _, found := range split(text) {
		d.all = append(d.all, document{file, found})
	}
}

// Resources returns the resources in the order in which their documents were added, and keeps the warnings. The errors are those of
// manifest.Decode, joined, or that of a manifest that is too large.
func (d *documents) Resources() ([]*yaml.RNode, error) {
	var files manifest.Files
	end := make(chan struct{})
	defer close(end)
	reads := d.decode(end)
	for _, document := range d.all {
		found := <-<-reads
		if found.warning != "" {
			d.warnings = append(d.warnings, found.warning)
		}
		if err := files.Add(document.file, found.nodes, found.err); err != nil {
			return nil, err
		}
	}
	return files.Resources()
}

// decode reads documents, as many at a time as there are processors, until the end is closed: a few large definitions take longer
// to read than the templates of a chart take to render. Which comes when is that of the documents.
func (d *documents) decode(end <-chan struct{}) <-chan chan decoded {
	reads := make(chan chan decoded, runtime.GOMAXPROCS(0)-1)
	go func() {
		for _, document := range d.all {
			result := make(chan decoded, 1)
			select {
			case <-end:
				return
			case reads <- result:
				go func() { result <- decode(document.file, document.text) }()
			}
		}
	}()
	return reads
}

// split returns the documents of a rendered file as Helm's SplitManifests finds them, in their order: charts rely on a document
// that begins right behind the dashes. Helm looks for these with a regular expression, which for large definitions takes longer
// than all rendering.
func split(text string) []string {
	parts := strings.Split("\n"+strings.TrimLeftFunc(text, unicode.IsSpace), "\n---")
	var documents []string
	for i, part := range parts {
		document := strings.TrimLeftFunc(part, unicode.IsSpace)
		if document == "" {
			continue
		}
		if i < len(parts)-1 {
			document += "\n"
		}
		// Helm ends each with a line break, which may belong to a text at its end.
		documents = append(documents, document+"\n")
	}
	return documents
}

// decode reads a document. Helm accepts more than manifest.Decode does: of a key that appears twice the last one counts, and an
// empty mapping is nothing. The warning says so; for what both refuse there is the error of manifest.Decode.
func decode(file, document string) decoded {
	nodes, err := manifest.Decode(file, []byte(document), nil)
	if err == nil || strictyaml.CheckAliasesIn([]byte(document)) != nil {
		return decoded{nodes: nodes, err: err}
	}
	asJSON, unreadable := k8syaml.YAMLToJSON([]byte(document))
	if unreadable != nil {
		return decoded{nodes: nodes, err: err}
	}
	if string(asJSON) == "{}" {
		return decoded{warning: file + ": skipping an empty mapping"}
	}
	plain, unreadable := k8syaml.JSONToYAML(asJSON)
	if unreadable != nil {
		return decoded{nodes: nodes, err: err}
	}
	again, still := manifest.Decode(file, plain, nil)
	if still != nil {
		return decoded{nodes: nodes, err: err}
	}
	return decoded{nodes: again, warning: err.Error() + "; the last value counts, as with Helm"}
}
