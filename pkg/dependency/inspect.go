// Package dependency puts into a pack what it depends on: it finds packs and charts in folders and archives, writes them into packs/
// and into Pack.lock what they were, and says how far packs/ is what Pack.yaml asks for.
package dependency

import (
	"fmt"
	"slices"

	"github.com/sherpack-io/kubectl-sherpack/pkg/chart"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/source"
)

// Status says what a pack has of a dependency, in Helm's words where it has some.
type Status string

// What a pack may have of a dependency.
const (
	// OK is an archive of an allowed version, and Unpacked a folder of one.
	OK       Status = "ok"
	Unpacked Status = "unpacked"
	Missing  Status = "missing"
	// WrongVersion is one that is there in a version that is not allowed.
	WrongVersion Status = "wrong version"
	TooMany      Status = "too many matches"
	// Changed is one that is not what the lock says.
	Changed Status = "changed"
)

// Entry is a dependency with what the pack has of it.
type Entry struct {
	pack.Dependency
	Status Status `json:"status"`
	// Found is the version that is there; "" where none is, or several are.
	Found string `json:"found,omitempty"`
}

// Report is how far a pack or chart has what it depends on.
type Report struct {
	// Entries are the dependencies that it lists.
	Entries []Entry
	// Unlisted are the paths of others, which are rendered all the same.
	Unlisted []string
	// Stale says that there is no lock of what comes from repositories, or one that was written for other dependencies. A chart's is
	// not looked at.
	Stale bool
}

// Inspect looks at what a pack or chart has of its dependencies. The errors are those of pack.Open.
func Inspect(s source.Source) (Report, error) {
	wanted, folder := wantedOf(s)
	there, err := existing(s.Pack(), folder)
	if err != nil {
		return Report{}, err
	}
	lock, err := s.Pack().Lock()
	if err != nil {
		return Report{}, err
	}
	isLocked := lock != nil && lock.IsFor(wanted)
	needsLock := lock != nil || slices.ContainsFunc(wanted, func(d pack.Dependency) bool { return d.Repository != "" })
	report := Report{Stale: !s.IsChart() && needsLock && !isLocked}
	for i, dependency := range wanted {
		entry := entryOf(dependency, there)
		if isLocked && slices.Contains([]Status{OK, Unpacked}, entry.Status) {
			if newest := newest(dependency, there); newest[0].locked(dependency) != lock.Dependencies[i] {
				entry.Status = Changed
			}
		}
		report.Entries = append(report.Entries, entry)
	}
	for _, other := range there {
		if !slices.ContainsFunc(wanted, func(d pack.Dependency) bool { return d.Name == other.name }) {
			report.Unlisted = append(report.Unlisted, other.at)
		}
	}
	return report, nil
}

// wantedOf returns what a pack or chart lists, and the folder in which it has it.
func wantedOf(s source.Source) (wanted []pack.Dependency, folder string) {
	if c, isChart := s.(*chart.Chart); isChart {
		return c.Dependencies(), pack.ChartsFolder
	}
	return s.Pack().Dependencies, pack.PacksFolder
}

func entryOf(wanted pack.Dependency, there []found) Entry {
	entry := Entry{Dependency: wanted, Status: Missing}
	switch fitting := newest(wanted, there); {
	case len(fitting) > 1:
		entry.Status = TooMany
	case len(fitting) == 1 && fitting[0].isArchive:
		entry.Status, entry.Found = OK, fitting[0].version
	case len(fitting) == 1:
		entry.Status, entry.Found = Unpacked, fitting[0].version
	default:
		if at := slices.IndexFunc(there, func(f found) bool { return f.name == wanted.Name }); at >= 0 {
			entry.Status, entry.Found = WrongVersion, there[at].version
		}
	}
	return entry
}

// found is a pack or chart that was found.
type found struct {
	// at is where, as the user would call it, or in the pack that has it.
	at            string
	isArchive     bool
	name, version string
	pack          *pack.Pack
	digest        string
	// written says that it is the archive that an update writes of it.
	written bool
}

// locked is what a lock says of it.
func (f found) locked(wanted pack.Dependency) pack.Locked {
	return pack.Locked{Name: f.name, Version: f.version, Repository: wanted.Repository, Digest: f.digest}
}

// newest are those of the newest version that a dependency allows; mostly one.
func newest(wanted pack.Dependency, there []found) []found {
	called := slices.DeleteFunc(slices.Clone(there), func(f found) bool { return f.name != wanted.Name })
	versions := make([]string, len(called))
	for i, one := range called {
		versions[i] = one.version
	}
	var fitting []found
	for _, i := range wanted.Newest(versions) {
		fitting = append(fitting, called[i])
	}
	return fitting
}

// newFound reads what was found at a place.
func newFound(at string, s source.Source) (found, error) {
	p := s.Pack()
	digest, err := p.Digest()
	if err != nil {
		return found{}, err
	}
	return found{at: at, name: p.Metadata.Name, version: p.Metadata.Version, pack: p, digest: digest}, nil
}

// existing are the packs and charts in a folder of a pack.
func existing(p *pack.Pack, folder string) ([]found, error) {
	nested, err := p.Nested(folder)
	if err != nil {
		return nil, err
	}
	var there []found
	for _, n := range nested {
		opened, err := source.New(pack.PathIn(p.Path, n.Path), n.Files)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", n.Path, err)
		}
		one, err := newFound(n.Path, opened)
		if err != nil {
			return nil, err
		}
		one.isArchive = n.IsArchive()
		if data, isFile := p.Raw(n.Path); isFile {
			one.written = one.pack.Wrote(data)
		}
		there = append(there, one)
	}
	return there, nil
}
