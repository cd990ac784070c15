package dependency

import (
	"fmt"
	"os"
	"slices"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
)

// Change is what was done about a dependency.
type Change struct {
	// Path is that of a file in the pack.
	Path string
	// Removed says that it was deleted; else it was written.
	Removed bool
}

// Update finds what the pack in a folder depends on, in repositories or in packs/, and writes the archives and the lock. It refuses
// what cannot be found, all of it at once, before anything is written.
func Update(folder string) ([]Change, error) {
	w, err := open(folder)
	if err != nil {
		return nil, err
	}
	if err := checkCycles(folder); err != nil {
		return nil, refuse(pack.PathIn(folder, pack.MetadataFile), err.Error())
	}
	return w.gather(func(_ int, wanted pack.Dependency) (found, error) { return w.resolve(wanted) })
}

// Build restores what the lock of the pack in a folder says. It refuses what is not exactly that, before anything is written.
func Build(folder string) ([]Change, error) {
	w, err := open(folder)
	if err != nil {
		return nil, err
	}
	const remedy = "; run kubectl sherpack dependency update "
	switch {
	case w.lock == nil && len(w.pack.Dependencies) > 0:
		return nil, refuse(folder, "has no "+pack.LockFile+remedy+folder)
	case w.lock == nil:
		return nil, nil
	case !w.lock.IsFor(w.pack.Dependencies):
		return nil, refuse(pack.PathIn(folder, pack.LockFile), "is out of date: Pack.yaml lists other dependencies"+remedy+folder)
	}
	return w.gather(func(i int, wanted pack.Dependency) (found, error) { return w.restore(wanted, w.lock.Dependencies[i]) })
}

// gather finds all dependencies of the pack, and writes them. i is the place of one among them.
func (w *writing) gather(find func(i int, wanted pack.Dependency) (found, error)) ([]Change, error) {
	var problems []pack.Problem
	for i, wanted := range w.pack.Dependencies {
		one, err := find(i, wanted)
		if err != nil {
			problems = append(problems, w.pack.DependencyProblem(i, err.Error()))
			continue
		}
		w.add(wanted, one)
	}
	if len(problems) > 0 {
		return nil, &pack.InvalidError{Problems: problems}
	}
	return w.write()
}

// refuse is the error about a file.
func refuse(file, message string) error {
	return &pack.InvalidError{Problems: []pack.Problem{{File: file, Message: message}}}
}

// open reads the pack in a folder, whatever it lacks.
func open(folder string) (*writing, error) {
	if at, err := os.Stat(folder); err == nil && !at.IsDir() {
		return nil, &pack.FileError{Path: folder, Message: "is an archive, which is not changed; update the folder that it was made of"}
	}
	files, err := pack.Read(folder)
	if err != nil {
		return nil, err
	}
	if pack.IsChart(files) {
		return nil, refuse(folder, "is a Helm chart; run helm dependency build "+folder)
	}
	p, err := pack.New(folder, files)
	if err != nil {
		return nil, err
	}
	there, err := existing(p, pack.PacksFolder)
	if err != nil {
		return nil, err
	}
	lock, err := p.Lock()
	if err != nil {
		return nil, err
	}
	return &writing{folder: folder, pack: p, there: there, lock: lock}, nil
}

// resolve finds a dependency in its repository, or in packs/ where it has none.
func (w *writing) resolve(wanted pack.Dependency) (found, error) {
	if wanted.Repository != "" {
		return find(w.folder, wanted)
	}
	fitting := newest(wanted, w.there)
	switch len(fitting) {
	case 0:
		return found{}, fmt.Errorf("%s is not in packs/, and has no repository; put it there, or name its folder or archive as repository", wanted)
	case 1:
		return fitting[0], nil
	}
	return found{}, fmt.Errorf("%s %s is in packs/ twice: %s and %s; delete one of them", wanted.Name, fitting[0].version, fitting[0].at, fitting[1].at)
}

// restore finds what a lock says of a dependency: in packs/, or in the repository.
func (w *writing) restore(wanted pack.Dependency, locked pack.Locked) (found, error) {
	is := func(f found) bool { return f.locked(wanted) == locked }
	if at := slices.IndexFunc(w.there, is); at >= 0 {
		return w.there[at], nil
	}
	if wanted.Repository == "" {
		return found{}, fmt.Errorf("%s %s is not in packs/ as %s has it, and has no repository", locked.Name, locked.Version, pack.LockFile)
	}
	all, err := findVersions(w.folder, wanted, locked.Version)
	if err != nil {
		return found{}, fmt.Errorf("%s %s of %s: %w", locked.Name, locked.Version, pack.LockFile, err)
	}
	at := slices.IndexFunc(all, is)
	if at < 0 {
		return found{}, fmt.Errorf("%s %s in %s is not what %s says: its digest is %s, not %s; to take it as it is now, run kubectl sherpack dependency update %s",
			locked.Name, locked.Version, all[0].at, pack.LockFile, all[0].digest, locked.Digest, w.folder)
	}
	return all[at], nil
}
