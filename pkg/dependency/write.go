package dependency

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
)

// writing is what is to be written into a pack.
type writing struct {
	folder string
	pack   *pack.Pack
	// there is what packs/ has, and lock what was last written; nil is none.
	there []found
	lock  *pack.Lock
	// locked are the dependencies as they were found, and archives those to be there as archives, by the names of these.
	locked   []pack.Locked
	archives map[string]found
}

// add adds a dependency that was found.
func (w *writing) add(wanted pack.Dependency, one found) {
	locked := one.locked(wanted)
	w.locked = append(w.locked, locked)
	if wanted.Repository == "" {
		return
	}
	if w.archives == nil {
		w.archives = map[string]found{}
	}
	w.archives[path.Join(pack.PacksFolder, locked.ArchiveName())] = one
}

// write writes archives, then removes those that are stale, then writes the lock: each whole or not at all, and wherever it is
// interrupted, the next one does the rest.
func (w *writing) write() ([]Change, error) {
	if err := errors.Join(w.checkIgnored(), w.checkOthers()); err != nil {
		return nil, err
	}
	lock, err := pack.NewLock(w.pack.Dependencies, w.locked).Encode()
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(w.folder)
	if err != nil {
		return nil, pack.NewFileError("write file", w.folder, err)
	}
	defer root.Close()
	files := writer{root: root, pack: w.pack}
	files.clean()
	for _, name := range slices.Sorted(maps.Keys(w.archives)) {
		if !w.has(name) {
			files.writeArchive(name, w.archives[name].pack)
		}
	}
	for _, stale := range w.stale() {
		files.remove(stale)
	}
	if len(w.locked) > 0 || w.lock != nil {
		files.write(pack.LockFile, lock)
	}
	return files.changes, files.failed
}

// has reports whether an archive that is to be there is, whatever it is compressed by.
func (w *writing) has(name string) bool {
	return slices.ContainsFunc(w.there, func(old found) bool { return old.at == name && old.isArchive && old.digest == w.archives[name].digest })
}

// stale are the archives that an earlier update has written and this one has not: what the last lock says, and other versions of
// dependencies with a repository.
func (w *writing) stale() []string {
	var stale []string
	for _, old := range w.there {
		if _, isNew := w.archives[old.at]; !isNew && w.isOurs(old) {
			stale = append(stale, old.at)
		}
	}
	return stale
}

// isOurs reports whether what packs/ has was put there by an update, and nothing else wants it there.
func (w *writing) isOurs(old found) bool {
	canonical := old.written && old.at == path.Join(pack.PacksFolder, pack.Locked{Name: old.name, Version: old.version}.ArchiveName())
	listed, managed := false, false
	for _, wanted := range w.pack.Dependencies {
		if wanted.Name == old.name {
			listed = listed || wanted.Repository == "" && wanted.Allows(old.version)
			managed = managed || wanted.Repository != ""
		}
	}
	wasLocked := w.lock != nil && slices.ContainsFunc(w.lock.Dependencies, func(l pack.Locked) bool {
		return l.Repository != "" && l.Name == old.name && l.Version == old.version && l.Digest == old.digest
	})
	return canonical && !listed && (managed || wasLocked)
}

// checkIgnored refuses to write what the pack ignores, and so would not find.
func (w *writing) checkIgnored() error {
	for _, name := range append(slices.Sorted(maps.Keys(w.archives)), pack.LockFile) {
		if w.pack.Excludes(name) {
			return refuse(pack.PathIn(w.folder, pack.IgnoreFile), "excludes "+name+"; a line such as /*.tgz excludes archives at the top of the pack alone")
		}
	}
	return nil
}

// checkOthers refuses packs in packs/ that were put there by somebody else, and that an archive is to be written of or over.
func (w *writing) checkOthers() error {
	var problems []pack.Problem
	for _, old := range w.there {
		if w.has(old.at) || w.isOurs(old) {
			continue
		}
		at := slices.IndexFunc(w.pack.Dependencies, func(d pack.Dependency) bool { return d.Repository != "" && w.isInTheWay(old, d) })
		if at >= 0 {
			problems = append(problems, w.pack.DependencyProblem(at,
				old.at+" is "+old.name+" "+old.version+" and was not written by dependency update; delete it, or remove the repository"))
		}
	}
	if len(problems) > 0 {
		return &pack.InvalidError{Problems: problems}
	}
	return nil
}

// isInTheWay reports whether what packs/ has, and no update has written, has the place or the name of a dependency from a repository.
func (w *writing) isInTheWay(old found, d pack.Dependency) bool {
	if replacing, isReplaced := w.archives[old.at]; isReplaced {
		return replacing.name == d.Name && (!old.written || old.name != d.Name)
	}
	return d.Name == old.name && !w.keeps(old)
}

// keeps reports whether what packs/ has is wanted there by a dependency without a repository.
func (w *writing) keeps(old found) bool {
	return slices.ContainsFunc(w.pack.Dependencies, func(d pack.Dependency) bool {
		return d.Name == old.name && d.Repository == "" && d.Allows(old.version)
	})
}

// writer changes files of a pack until the first failure.
type writer struct {
	root    *os.Root
	pack    *pack.Pack
	changes []Change
	failed  error
}

// pending is the name of a file that is being written. What begins with a dot is no dependency.
const pending = ".sherpack-pending"

// writeArchive writes the archive of a pack.
func (w *writer) writeArchive(name string, of *pack.Pack) {
	var archive bytes.Buffer
	if err := of.WriteArchive(&archive); err != nil && w.failed == nil {
		w.failed = err
	}
	w.write(name, archive.Bytes())
}

// write writes a file, whole or not at all, unless it is there as it should be.
func (w *writer) write(name string, data []byte) {
	if old, found := w.pack.Raw(name); w.failed != nil || found && string(old) == string(data) {
		return
	}
	const folderMode, fileMode = 0o777, 0o666
	temporary := path.Join(path.Dir(name), pending)
	err := w.root.MkdirAll(filepath.FromSlash(path.Dir(name)), folderMode)
	if err == nil {
		err = w.root.WriteFile(filepath.FromSlash(temporary), data, fileMode)
	}
	if err == nil {
		err = w.root.Rename(filepath.FromSlash(temporary), filepath.FromSlash(name))
	}
	w.done(Change{Path: name}, err)
}

// clean removes what a writing that was cut short has left.
func (w *writer) clean() {
	for _, folder := range []string{".", pack.PacksFolder} {
		// Mostly there is none.
		_ = w.root.Remove(filepath.Join(folder, pending))
	}
}

func (w *writer) remove(name string) {
	if w.failed == nil {
		w.done(Change{Path: name, Removed: true}, w.root.Remove(filepath.FromSlash(name)))
	}
}

func (w *writer) done(change Change, err error) {
	if err != nil {
		w.failed = pack.NewFileError("write file", filepath.Join(w.root.Name(), filepath.FromSlash(change.Path)), err)
		return
	}
	w.changes = append(w.changes, change)
}
