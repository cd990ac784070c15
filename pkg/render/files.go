package render

import (
	"encoding/base64"
	"fmt"
	"path"
	"strings"

	"github.com/gobwas/glob"
)

// files are the other files of a pack, by their paths, as templates see them. A file that is not there is empty.
// Globs are Helm's.
type files map[string][]byte

// Get returns the text of a file.
func (f files) Get(name string) string { return string(f[name]) }

// GetBytes returns the bytes of a file.
func (f files) GetBytes(name string) []byte { return f[name] }

// Glob returns the files whose paths match a pattern: * stays in a folder, ** does not.
func (f files) Glob(pattern string) (files, error) {
	if wildcards(pattern) > maxWildcards {
		return nil, failf("the pattern has more than %d wildcards and groups", maxWildcards)
	}
	matcher, err := glob.Compile(pattern, '/')
	if err != nil {
		return nil, fmt.Errorf("the pattern %q: %w", pattern, err)
	}
	found := files{}
	for name, data := range f {
		if matcher.Match(name) {
			found[name] = data
		}
	}
	return found, nil
}

// wildcards counts what a pattern has of * and {. The time that matching takes doubles with each.
func wildcards(pattern string) int {
	return strings.Count(strings.ReplaceAll(pattern, "**", "*"), "*") + strings.Count(pattern, "{")
}

// Lines returns the lines of a file.
func (f files) Lines(name string) []string {
	text := strings.TrimSuffix(string(f[name]), "\n")
	if text == "" {
		return []string{}
	}
	return strings.Split(text, "\n")
}

// AsConfig returns the files as the data of a ConfigMap, by the last parts of their paths.
func (f files) AsConfig() (string, error) {
	return f.asYAML(func(data []byte) string { return string(data) })
}

// AsSecrets returns the files as the data of a Secret, by the last parts of their paths.
func (f files) AsSecrets() (string, error) { return f.asYAML(base64.StdEncoding.EncodeToString) }

func (f files) asYAML(encode func([]byte) string) (string, error) {
	data, from := map[string]string{}, map[string]string{}
	for name, contents := range f {
		key := path.Base(name)
		if other, taken := from[key]; taken {
			return "", failf("two files are called %s: %s and %s", key, min(name, other), max(name, other))
		}
		from[key], data[key] = name, encode(contents)
	}
	return toYAML(data)
}

// strictFiles are files of which one that is not there is undefined.
type strictFiles map[string][]byte

// Get returns the text of a file, nil where it was not found.
func (f strictFiles) Get(name string) any {
	if data, ok := f[name]; ok {
		return string(data)
	}
	return nil
}

// GetBytes returns the bytes of a file, nil where it was not found.
func (f strictFiles) GetBytes(name string) any {
	if data, ok := f[name]; ok {
		return data
	}
	return nil
}

// Glob is that of files.
func (f strictFiles) Glob(pattern string) (strictFiles, error) {
	found, err := files(f).Glob(pattern)
	return strictFiles(found), err
}

// Lines is that of files.
func (f strictFiles) Lines(name string) []string { return files(f).Lines(name) }

// AsConfig is that of files.
func (f strictFiles) AsConfig() (string, error) { return files(f).AsConfig() }

// AsSecrets is that of files.
func (f strictFiles) AsSecrets() (string, error) { return files(f).AsSecrets() }
