package plugin

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// errOutputTwice refuses to print and to write files.
var errOutputTwice = errors.New("--output-dir writes YAML files; it cannot be used together with --output")

// only returns the resources that come of some templates, or of those that match patterns. Each has to match something, because it
// may be misspelt.
func only(wanted, known []string, nodes []*yaml.RNode) ([]*yaml.RNode, error) {
	var errs []error
	for _, pattern := range wanted {
		errs = append(errs, checkPattern(pattern, known, nodes))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, inputError{err}
	}
	return slices.DeleteFunc(slices.Clone(nodes), func(node *yaml.RNode) bool {
		return !slices.ContainsFunc(wanted, func(pattern string) bool { return comesOf(node, pattern) })
	}), nil
}

// comesOf reports whether a resource comes of a template that matches a pattern.
func comesOf(node *yaml.RNode, pattern string) bool {
	match, err := path.Match(path.Clean(filepath.ToSlash(pattern)), manifest.File(node))
	return err == nil && match
}

// checkPattern refuses a pattern that matches nothing. known are the names of all templates.
func checkPattern(pattern string, known []string, nodes []*yaml.RNode) error {
	if slices.ContainsFunc(nodes, func(node *yaml.RNode) bool { return comesOf(node, pattern) }) {
		return nil
	}
	if slices.Contains(known, path.Clean(filepath.ToSlash(pattern))) {
		return fmt.Errorf("--show-only %s: this template renders no objects with these values", pattern)
	}
	return fmt.Errorf("--show-only %s: the pack has no such template%s", pattern, words.Suggestion(pattern, known))
}

// writeFiles writes the resources of each template to a file of its name, below a folder of the pack's name in the folder, and
// says so. Files that are there are overwritten.
func writeFiles(folder, packName string, nodes []*yaml.RNode, out io.Writer) error {
	var files []string
	texts := map[string][]*yaml.RNode{}
	for _, node := range nodes {
		name := manifest.File(node)
		if texts[name] == nil {
			files = append(files, name)
		}
		texts[name] = append(texts[name], node)
	}
	if err := os.MkdirAll(folder, folderMode); err != nil {
		return writeError(folder, err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return writeError(folder, err)
	}
	defer root.Close()
	for _, name := range files {
		text, err := manifest.Encode(texts[name])
		if err != nil {
			return err
		}
		name = filepath.Join(packName, filepath.FromSlash(name))
		if err := writeFile(root, name, text); err != nil {
			return writeError(filepath.Join(folder, name), err)
		}
		if _, err := fmt.Fprintln(out, "wrote", filepath.Join(folder, name)); err != nil {
			return err
		}
	}
	return nil
}

// The modes of what is written, less what the user's umask takes away.
const (
	folderMode = 0o777
	fileMode   = 0o666
)

func writeFile(root *os.Root, name, text string) error {
	if err := root.MkdirAll(filepath.Dir(name), folderMode); err != nil {
		return err
	}
	return root.WriteFile(name, []byte(text), fileMode)
}

// writeError is about a file that cannot be written. It names the file once.
func writeError(name string, err error) error { return pack.NewFileError("write file", name, err) }
