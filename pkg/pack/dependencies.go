package pack

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// PacksFolder is where a pack keeps the packs and charts that are rendered together with it.
const PacksFolder = "packs"

// ChartsFolder is where a chart keeps its subcharts.
const ChartsFolder = "charts"

// GlobalKey is the key of values that every pack of a tree sees.
const GlobalKey = "global"

// Dependency is a pack or chart that a pack wants to be rendered together with.
type Dependency struct {
	// Name is that of the pack or chart.
	Name string `json:"name" yaml:"name"`
	// Version is a constraint; "" allows any version.
	Version string `json:"version,omitempty" yaml:"version,omitempty"`
	// Repository is the folder or archive that it is copied from, relative to the folder of the pack, with file:// or without; ""
	// where it only lies in PacksFolder.
	Repository string `json:"repository,omitempty" yaml:"repository,omitempty"`
	// Alias is what its values and files are called by; "" is Name.
	Alias string `json:"alias,omitempty" yaml:"alias,omitempty"`
	// Condition are paths of values, separated by commas; the first that is true or false enables or disables it.
	Condition string `json:"condition,omitempty" yaml:"condition,omitempty"`
	// Tags are keys below tags in the values of the top pack, which count where no condition does.
	Tags []string `json:"tags,omitempty" yaml:"tags,omitempty"`
}

// Key is what the values and files of the dependency are called by.
func (d Dependency) Key() string { return cmp.Or(d.Alias, d.Name) }

// String is its name, with the versions that it allows.
func (d Dependency) String() string { return words.Join(" ", d.Name, d.Version) }

// Allows reports whether a version satisfies the constraint.
func (d Dependency) Allows(version string) bool {
	if d.Version == "" {
		return true
	}
	constraint, err := semver.NewConstraint(d.Version)
	if err != nil {
		return false
	}
	parsed, err := semver.NewVersion(version)
	return err == nil && constraint.Check(parsed)
}

// Newest returns which of some versions are the newest that satisfies the constraint, by their indexes: several where one is there
// several times, none where none is allowed.
func (d Dependency) Newest(versions []string) []int {
	var newest []int
	for i, version := range versions {
		if !d.Allows(version) {
			continue
		}
		order := 1
		if len(newest) > 0 {
			order = compareVersions(version, versions[newest[0]])
		}
		switch {
		case order > 0:
			newest = []int{i}
		case order == 0:
			newest = append(newest, i)
		}
	}
	return newest
}

// compareVersions compares versions, and as texts what semantic versions do not tell apart or is none.
func compareVersions(a, b string) int {
	one, err := semver.NewVersion(a)
	other, otherErr := semver.NewVersion(b)
	if err != nil || otherErr != nil {
		return cmp.Compare(a, b)
	}
	return cmp.Or(one.Compare(other), cmp.Compare(a, b))
}

// Location is the path of the repository without file://.
func (d Dependency) Location() string { return strings.TrimPrefix(d.Repository, "file://") }

// aliasPattern is Helm's. A dot would be taken for a path of values.
var aliasPattern = regexp.MustCompile("^[a-zA-Z0-9_-]+$")

// check returns what is wrong with the fields, by their names.
func (d Dependency) check() map[string]error {
	found := map[string]error{}
	if err := CheckName(d.Name); err != nil {
		found["name"] = err
	}
	if _, err := semver.NewConstraint(d.Version); err != nil && d.Version != "" {
		found["version"] = fmt.Errorf("is %q, must be a version constraint such as ^1.2.0: %w", short(d.Version), err)
	}
	if d.Alias != "" && !aliasPattern.MatchString(d.Alias) {
		found["alias"] = fmt.Errorf("is %q, must be letters, digits, dashes or underscores", short(d.Alias))
	}
	if strings.ContainsAny(d.Condition, " \t\n") {
		found["condition"] = errors.New("has blanks; separate paths by commas alone, as in db.enabled,global.db.enabled")
	}
	if err := d.checkRepository(); err != nil {
		found["repository"] = err
	}
	return found
}

func (d Dependency) checkRepository() error {
	const advice = "registries are not supported yet; name a folder or an archive, such as ../db"
	scheme, _, isAddress := strings.Cut(d.Location(), "://")
	switch {
	case isAddress:
		return fmt.Errorf("is an address of %s://; %s", short(scheme), advice)
	case strings.HasPrefix(d.Repository, "@"), strings.HasPrefix(d.Repository, "alias:"):
		return fmt.Errorf("is the name of a repository of Helm; %s", advice)
	}
	return nil
}

// checkDependencies complains of what is wrong with dependencies, by the paths of their fields.
func checkDependencies(all []Dependency, complain func(path, message string)) {
	called := map[string]bool{}
	for i, dependency := range all {
		at := fmt.Sprintf("dependencies.%d", i)
		wrong := dependency.check()
		for _, field := range keysOf(wrong) {
			complain(at+"."+field, wrong[field].Error())
		}
		key := dependency.Key()
		switch {
		case key == GlobalKey:
			complain(at, "is called global, which is the key of values that all packs see; give it an alias")
		case called[key]:
			complain(at, fmt.Sprintf("is called %q like another dependency; give one of them an alias", short(key)))
		}
		called[key] = true
	}
}

// DependencyProblem is what is wrong with a dependency of the pack, by its place in Pack.yaml; it counts from 0.
func (p *Pack) DependencyProblem(at int, message string) Problem {
	file := yamlFile{name: p.where(MetadataFile)}
	data, _ := p.Text(MetadataFile)
	// It has been parsed before.
	_ = file.parse(data)
	path := []string{"dependencies", fmt.Sprint(at)}
	return Problem{File: file.name, Line: file.line(path), Path: dotted(path), Message: message}
}

// DigestOf is the digest of dependencies as Pack.yaml lists them.
func DigestOf(dependencies []Dependency) string {
	// Dependencies are strings, which have no errors.
	text, _ := json.Marshal(dependencies)
	return digest(text)
}

// digest is written as images have it.
func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
