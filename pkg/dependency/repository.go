package dependency

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

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
	places, err := candidates(locate(folder, wanted), wanted.Name)
	if err != nil {
		return found{}, err
	}
	var fitting []source.Source
	var versions, others []string
	for _, place := range places {
		opened, err := source.Open(place)
		if err != nil {
			return found{}, err
		}
		switch metadata := opened.Pack().Metadata; {
		case metadata.Name != wanted.Name:
			others = append(others, fmt.Sprintf("%s is %s", place, metadata.Name))
		case !wanted.Allows(metadata.Version):
			others = append(others, fmt.Sprintf("%s has version %s", place, metadata.Version))
		default:
			fitting, versions = append(fitting, opened), append(versions, metadata.Version)
		}
	}
	newest := wanted.Newest(versions)
	if len(newest) == 0 {
		return found{}, notFound(folder, wanted, others)
	}
	chosen := fitting[newest[0]]
	if err := chosen.CheckDependencies(); err != nil {
		return found{}, err
	}
	return newFound(chosen.Pack().Path, chosen)
}

func notFound(folder string, wanted pack.Dependency, others []string) error {
	place := locate(folder, wanted)
	if len(others) == 0 {
		return fmt.Errorf("%s: has no pack and no chart", place)
	}
	return errors.New(words.Join("; ", others...))
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
