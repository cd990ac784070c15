package pack

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"go.yaml.in/yaml/v3"
)

// Metadata describes a pack. All but Name and Version may be empty.
type Metadata struct {
	// Name is a label value: at most 63 letters, digits, dashes, dots and underscores.
	Name string `json:"name" yaml:"name"`
	// Version is a semantic version without a leading v.
	Version     string `json:"version" yaml:"version"`
	Description string `json:"description,omitempty" yaml:"description,omitempty"`
	// AppVersion is the version of the application, in any form.
	AppVersion string `json:"appVersion,omitempty" yaml:"appVersion,omitempty"`
	// KubeVersion is a constraint on the version of the cluster; see SupportsKube.
	KubeVersion string `json:"kubeVersion,omitempty" yaml:"kubeVersion,omitempty"`
	Links       `yaml:",inline"`
	Keywords    []string          `json:"keywords,omitempty" yaml:"keywords,omitempty"`
	Maintainers []Maintainer      `json:"maintainers,omitempty" yaml:"maintainers,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty" yaml:"annotations,omitempty"`
}

// Links are the addresses that belong to a pack. In Pack.yaml they stand beside the name.
type Links struct {
	Home    string   `json:"home,omitempty" yaml:"home,omitempty"`
	Icon    string   `json:"icon,omitempty" yaml:"icon,omitempty"`
	Sources []string `json:"sources,omitempty" yaml:"sources,omitempty"`
}

// Maintainer is a person or group that looks after a pack.
type Maintainer struct {
	Name  string `json:"name" yaml:"name"`
	Email string `json:"email,omitempty" yaml:"email,omitempty"`
	URL   string `json:"url,omitempty" yaml:"url,omitempty"`
}

// document is Pack.yaml.
type document struct {
	APIVersion string   `yaml:"apiVersion"`
	Metadata   Metadata `yaml:"metadata"`
	Spec       `yaml:",inline"`
}

const apiVersion = "sherpack/v1"

var namePattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$`)

func (p *Pack) readMetadata() []Problem {
	data, _ := p.Text(MetadataFile)
	file := yamlFile{name: p.where(MetadataFile)}
	if problems := file.parse(data); len(problems) > 0 {
		return problems
	}
	document := document{Spec: p.Spec}
	problems, ok := file.decode(&document)
	if ok {
		problems = append(problems, document.check(&file)...)
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return a.Line - b.Line })
	p.Metadata, p.Spec = document.Metadata, document.Spec
	return problems
}

func (d *document) check(file *yamlFile) []Problem {
	var found problems
	complain := func(path, message string) {
		keys := strings.Split(path, ".")
		found.add(Problem{File: file.name, Line: file.line(keys), Path: dotted(keys), Message: message})
	}
	if d.APIVersion != apiVersion {
		complain("apiVersion", fmt.Sprintf("is %q, must be %s", d.APIVersion, apiVersion))
	}
	if d.Kind != Application && d.Kind != Library {
		complain("kind", fmt.Sprintf("is %q, must be %s or %s", string(d.Kind), Application, Library))
	}
	if err := CheckName(d.Metadata.Name); err != nil {
		complain("metadata.name", err.Error())
	}
	if _, err := semver.StrictNewVersion(d.Metadata.Version); err != nil {
		complain("metadata.version", fmt.Sprintf("is %q, must be a semantic version such as 1.2.0", d.Metadata.Version))
	}
	if _, err := d.Metadata.constraint(); err != nil {
		complain("metadata.kubeVersion", fmt.Sprintf("is %q, must be a version constraint such as >=1.30: %v", d.Metadata.KubeVersion, err))
	}
	checkDependencies(d.Dependencies, complain)
	return found
}

// CheckName refuses what cannot be the name of a pack. The error says nothing of where the name stands.
func CheckName(name string) error {
	if namePattern.MatchString(name) {
		return nil
	}
	return fmt.Errorf("is %q, must be 1 to 63 letters, digits, dashes, dots or underscores, a letter or digit first and last", name)
}

// UnmarshalYAML keeps Strict as it was where engine is empty.
func (e *Engine) UnmarshalYAML(node *yaml.Node) error {
	type plain Engine
	return node.Decode((*plain)(e))
}
