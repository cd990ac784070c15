package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// licenseName is what files are called that say under which terms code may be used, and what has to go with it.
var licenseName = regexp.MustCompile(`(?i)^(un)?(licen[cs]e|copying|copyright|notice|patents)([-._].*)?$`)

// document is a license or a notice, and where it stands.
type document struct {
	// place is its module and its path in it.
	place string
	text  string
}

// notices returns one text with the licenses and notices of modules, each text once.
func notices(modules []module) (string, error) {
	var problems []error
	var texts []string
	places := map[string][]string{}
	for _, m := range modules {
		documents, err := m.documents()
		if err != nil && m.Name == standardLibrary {
			documents, err = fromGoAuthors(modules, err)
		}
		problems = append(problems, err)
		for _, d := range documents {
			if places[d.text] == nil {
				texts = append(texts, d.text)
			}
			places[d.text] = append(places[d.text], d.place)
		}
	}
	var out strings.Builder
	out.WriteString("kubectl-sherpack contains code of others, under the terms that follow. Each text names where it is from.\n")
	for _, text := range texts {
		fmt.Fprintf(&out, "\n%s\n", strings.Repeat("=", 80))
		for _, place := range places[text] {
			fmt.Fprintln(&out, place)
		}
		fmt.Fprintf(&out, "%s\n\n%s\n", strings.Repeat("-", 80), text)
	}
	return out.String(), errors.Join(problems...)
}

// documents returns the licenses and notices in the folders of a module that are linked and in those above them. A module
// without any is an error.
func (m module) documents() ([]document, error) {
	var folders []string
	for _, folder := range m.Folders {
		for !slices.Contains(folders, folder) {
			folders = append(folders, folder)
			if folder == filepath.Clean(m.Dir) {
				break
			}
			folder = filepath.Dir(folder)
		}
	}
	slices.Sort(folders)
	var found []document
	for _, folder := range folders {
		documents, err := m.documentsIn(folder)
		if err != nil {
			return nil, err
		}
		found = append(found, documents...)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: no license found in %s", m.Name, m.Dir)
	}
	return found, nil
}

// fromGoAuthors returns the license of the standard library as a module of the same authors has it: the text is the same, and
// distributions of Linux keep the one that comes with Go elsewhere. failure is the error where no such module is linked.
func fromGoAuthors(modules []module, failure error) ([]document, error) {
	for _, m := range modules {
		if !strings.HasPrefix(m.Name, "golang.org/x/") {
			continue
		}
		documents, err := m.documents()
		if err != nil {
			continue
		}
		i := slices.IndexFunc(documents, func(d document) bool {
			return d.place == m.Name+": LICENSE" && strings.Contains(d.text, "The Go Authors")
		})
		if i >= 0 {
			return []document{{standardLibrary + ": LICENSE", documents[i].text}}, nil
		}
	}
	return nil, failure
}

func (m module) documentsIn(folder string) ([]document, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	var found []document
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !licenseName.MatchString(entry.Name()) || filepath.Ext(entry.Name()) == ".go" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		relative, err := filepath.Rel(m.Dir, filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		found = append(found, document{m.Name + ": " + filepath.ToSlash(relative), tidied(string(text))})
	}
	return found, nil
}

// tidied makes texts equal that differ in line ends and in white space around them.
func tidied(text string) string {
	return strings.Trim(strings.ReplaceAll(text, "\r\n", "\n"), "\n\t ")
}
