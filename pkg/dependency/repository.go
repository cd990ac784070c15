package dependency

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/source"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// locate returns where the repository of a dependency is, for a pack in a folder.
func locate(folder string, wanted pack.Dependency) string {
	place := filepath.FromSlash(wanted.Location())
	if filepath.IsAbs(place) {
		return place
	}
	return filepath.Join(folder, place)
}

// find returns the newest pack or chart of a dependency that its repository has, of those whose versions are allowed. A repository is
// the folder or archive of one, or a folder with several of them.
func find(folder string, wanted pack.Dependency) (found, error) {
	offered, err := offers(folder, wanted, wanted.Allows)
	if err != nil {
		return found{}, err
	}
	versions := make([]string, len(offered))
	for i, one := range offered {
		versions[i] = one.Pack().Metadata.Version
	}
	newest := offered[wanted.Newest(versions)[0]]
	if err := newest.CheckDependencies(); err != nil {
		return found{}, err
	}
	return newFound(newest.Pack().Path, newest)
}

// findVersions returns those that the repository of a dependency has of exactly a version, which are several where it has a folder and
// an archive.
func findVersions(folder string, wanted pack.Dependency, version string) ([]found, error) {
	offered, err := offers(folder, wanted, func(offered string) bool { return offered == version })
	if err != nil {
		return nil, err
	}
	var all []found
	for _, one := range offered {
		if err := one.CheckDependencies(); err != nil {
			return nil, err
		}
		read, err := newFound(one.Pack().Path, one)
		if err != nil {
			return nil, err
		}
		all = append(all, read)
	}
	return all, nil
}

// offers returns what the repository of a dependency has of it in versions that are allowed; never nothing without an error.
func offers(folder string, wanted pack.Dependency, allows func(version string) bool) ([]source.Source, error) {
	repository := locate(folder, wanted)
	places, err := candidates(repository, wanted.Name)
	if err != nil {
		return nil, err
	}
	var fitting []source.Source
	var others []string
	for _, place := range places {
		opened, err := source.Open(place)
		if err != nil {
			if place == repository || isNamed(place, wanted.Name) {
				return nil, err
			}
			others = append(others, strings.ReplaceAll(err.Error(), "\n", "; "))
			continue
		}
		switch metadata := opened.Pack().Metadata; {
		case metadata.Name != wanted.Name:
			others = append(others, fmt.Sprintf("%s is %s", place, metadata.Name))
		case !allows(metadata.Version):
			others = append(others, fmt.Sprintf("%s has version %s", place, metadata.Version))
		default:
			fitting = append(fitting, opened)
		}
	}
	switch {
	case len(fitting) > 0:
		return fitting, nil
	case len(others) > 0:
		return nil, errors.New(words.Join("; ", others...))
	}
	return nil, fmt.Errorf("%s: has no pack and no chart", repository)
}

// isNamed reports whether a folder or archive is called as one of a name is, and not as one of a longer name may be: db-extra-1.0.0.tgz.
func isNamed(place, name string) bool {
	rest := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(place), name), ".tgz")
	_, err := semver.StrictNewVersion(strings.TrimPrefix(rest, "-"))
	return rest == "" || err == nil
}

// candidates are the folders and archives of a repository that may be of a name, sorted.
func candidates(place, name string) ([]string, error) {
	at, err := os.Stat(place)
	if err != nil {
		return nil, pack.NewFileError("read pack", place, err)
	}
	if !at.IsDir() || pack.IsFolder(place) {
		return []string{place}, nil
	}
	entries, err := os.ReadDir(place)
	if err != nil {
		return nil, pack.NewFileError("read pack", place, err)
	}
	var found []string
	for _, entry := range entries {
		inside := filepath.Join(place, entry.Name())
		rest, begins := strings.CutPrefix(entry.Name(), name)
		isArchive := strings.HasPrefix(rest, "-") && filepath.Ext(rest) == ".tgz"
		if begins && (isArchive || rest == "" && pack.IsFolder(inside)) {
			found = append(found, inside)
		}
	}
	slices.Sort(found)
	return found, nil
}

// checkCycles refuses a pack that depends on itself through the repositories of what it depends on. chain are the folders on the
// way, from the top down.
func checkCycles(chain ...string) error {
	folder := chain[len(chain)-1]
	if !pack.CanNest(len(chain) - 1) {
		return fmt.Errorf("packs depend on each other more than %d deep: %s", len(chain)-2, strings.Join(chain, " → "))
	}
	for _, wanted := range wantedIn(folder) {
		place := locate(folder, wanted)
		if !pack.IsFolder(place) {
			// What lies together in a folder is looked for by name.
			place = filepath.Join(place, wanted.Name)
		}
		if wanted.Repository == "" || !pack.IsFolder(place) {
			continue
		}
		longer := append(slices.Clip(chain), place)
		if slices.ContainsFunc(chain, func(above string) bool { return isSame(above, place) }) {
			return fmt.Errorf("the pack depends on itself: %s", strings.Join(longer, " → "))
		}
		if err := checkCycles(longer...); err != nil {
			return err
		}
	}
	return nil
}

// wantedIn are the dependencies that the Pack.yaml of a folder lists; none where it cannot be read, which is told elsewhere.
func wantedIn(folder string) []pack.Dependency {
	data, err := os.ReadFile(filepath.Join(folder, pack.MetadataFile))
	if err != nil {
		return nil
	}
	p, err := pack.New(folder, []pack.File{{Path: pack.MetadataFile, Data: data}})
	if err != nil {
		return nil
	}
	return p.Dependencies
}

func isSame(a, b string) bool {
	one, err := os.Stat(a)
	other, otherErr := os.Stat(b)
	return err == nil && otherErr == nil && os.SameFile(one, other)
}
