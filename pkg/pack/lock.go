package pack

import (
	"bytes"
	"fmt"
	"regexp"

	"github.com/Masterminds/semver/v3"
	"go.yaml.in/yaml/v3"
)

// LockFile says which versions of its dependencies a pack was last put together with.
const LockFile = "Pack.lock"

// Lock is what LockFile says.
type Lock struct {
	APIVersion string `yaml:"apiVersion"`
	// Digest is that of the dependencies in Pack.yaml when the lock was written; see DigestOf.
	Digest string `yaml:"digest"`
	// Dependencies are those of Pack.yaml, in its order.
	Dependencies []Locked `yaml:"dependencies"`
}

// Locked is a dependency as it was found.
type Locked struct {
	Name string `yaml:"name"`
	// Version is the one that was found.
	Version string `yaml:"version"`
	// Repository is that of Pack.yaml.
	Repository string `yaml:"repository,omitempty"`
	// Digest is that of its files; see Pack.Digest.
	Digest string `yaml:"digest"`
}

// ArchiveName is that of the dependency in PacksFolder.
func (l Locked) ArchiveName() string { return archiveName(l.Name, l.Version) }

// NewLock is a lock for dependencies that were found.
func NewLock(dependencies []Dependency, found []Locked) Lock {
	return Lock{APIVersion: apiVersion, Digest: DigestOf(dependencies), Dependencies: found}
}

// IsFor reports whether the lock was written for dependencies.
func (l Lock) IsFor(dependencies []Dependency) bool {
	return l.Digest == DigestOf(dependencies) && len(l.Dependencies) == len(dependencies)
}

// Encode writes the lock as a file.
func (l Lock) Encode() ([]byte, error) {
	var text bytes.Buffer
	text.WriteString("# Written by kubectl sherpack dependency update. Do not edit it.\n")
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	err := encoder.Encode(l)
	return text.Bytes(), err
}

// Lock returns what the LockFile of the pack says; nil where it has none. The error is an *InvalidError.
func (p *Pack) Lock() (*Lock, error) {
	data, found := p.Text(LockFile)
	if !found {
		return nil, nil
	}
	return ParseLock(p.where(LockFile), data)
}

// ParseLock reads a lock; name is what errors call it. They are *InvalidError.
func ParseLock(name string, data []byte) (*Lock, error) {
	file := yamlFile{name: name}
	if problems := file.parse(text(data)); len(problems) > 0 {
		return nil, &InvalidError{Problems: problems}
	}
	var lock Lock
	found, ok := file.decode(&lock)
	problems := problems(found)
	if ok {
		problems.add(lock.check(&file)...)
	}
	if err := problems.err(); err != nil {
		return nil, err
	}
	return &lock, nil
}

// checkLockedVersion refuses what is no version: it is a part of the name of a file.
func checkLockedVersion(version string) error {
	if _, err := semver.NewVersion(version); err != nil {
		return fmt.Errorf("is %q, must be a version such as 1.2.0", short(version))
	}
	return nil
}

// filesDigest is what the digest of files begins with. That of an archive begins with sha256: alone.
const filesDigest = "files-sha256:"

var (
	digestPattern      = regexp.MustCompile("^sha256:[0-9a-f]{64}$")
	filesDigestPattern = regexp.MustCompile("^" + filesDigest + "[0-9a-f]{64}$")
)

func (l Lock) check(file *yamlFile) []Problem {
	var found problems
	complain := func(message string, path ...string) {
		found.add(Problem{File: file.name, Line: file.line(path), Path: dotted(path), Message: message})
	}
	if l.APIVersion != apiVersion {
		complain(fmt.Sprintf("is %q, must be %s", short(l.APIVersion), apiVersion), "apiVersion")
	}
	if !digestPattern.MatchString(l.Digest) {
		complain("is no digest such as sha256:…", "digest")
	}
	for i, locked := range l.Dependencies {
		at := []string{"dependencies", fmt.Sprint(i)}
		if err := CheckName(locked.Name); err != nil {
			complain(err.Error(), append(at, "name")...)
		}
		if err := checkLockedVersion(locked.Version); err != nil {
			complain(err.Error(), append(at, "version")...)
		}
		switch {
		case filesDigestPattern.MatchString(locked.Digest):
		case digestPattern.MatchString(locked.Digest):
			complain("is the digest of an archive, as earlier versions of kubectl sherpack have written it; delete the file, "+
				"and run kubectl sherpack dependency update", append(at, "digest")...)
		default:
			complain("is no digest such as "+filesDigest+"…", append(at, "digest")...)
		}
	}
	return found
}
