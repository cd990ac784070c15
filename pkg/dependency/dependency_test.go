package dependency_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/dependency"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/source"
)

// place is a folder with packs in it.
type place struct {
	*testing.T
	folder string
}

func newPlace(t *testing.T) place {
	t.Helper()
	return place{t, t.TempDir()}
}

func (p place) check(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p place) path(name string) string { return filepath.Join(p.folder, name) }

func (p place) write(name, text string) {
	p.Helper()
	p.check(os.MkdirAll(filepath.Dir(p.path(name)), 0o755))
	p.check(os.WriteFile(p.path(name), []byte(text), 0o600))
}

// pack writes the folder of a pack with dependencies, which may be none.
func (p place) pack(folder, name, version, dependencies string) {
	p.Helper()
	text := fmt.Sprintf("apiVersion: sherpack/v1\nkind: application\nmetadata: {name: %s, version: %s}\n", name, version)
	if dependencies != "" {
		text += "dependencies: " + dependencies + "\n"
	}
	p.write(folder+"/Pack.yaml", text)
}

// archive writes the archive of a pack.
func (p place) archive(file, name, version string) {
	p.Helper()
	made := place{p.T, p.TempDir()}
	made.pack("a", name, version, "")
	opened, err := pack.Open(made.path("a"))
	p.check(err)
	var data bytes.Buffer
	p.check(opened.WriteArchive(&data))
	p.write(file, data.String())
}

// handmade writes an archive of a folder as tar does, with its times.
func (p place) handmade(file, folder string) {
	p.Helper()
	var data bytes.Buffer
	zipped := gzip.NewWriter(&data)
	archive := tar.NewWriter(zipped)
	p.check(archive.AddFS(os.DirFS(p.path(folder))))
	p.check(errors.Join(archive.Close(), zipped.Close()))
	p.write(file, data.String())
}

// compress compresses an archive otherwise, as another version of Go may.
func (p place) compress(file string) {
	p.Helper()
	archive, err := os.ReadFile(p.path(file))
	p.check(err)
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	p.check(err)
	var data bytes.Buffer
	zipped, err := gzip.NewWriterLevel(&data, gzip.NoCompression)
	p.check(err)
	_, err = io.Copy(zipped, unzipped)
	p.check(errors.Join(err, zipped.Close()))
	p.write(file, data.String())
}

// update changes the pack shop, and returns what was changed, or what is wrong.
func (p place) update() []string { return p.changes(dependency.Update(p.path("shop"))) }

func (p place) build() []string { return p.changes(dependency.Build(p.path("shop"))) }

func (p place) changes(changes []dependency.Change, err error) []string {
	if err != nil {
		return strings.Split(strings.ReplaceAll(err.Error(), p.folder+"/", ""), "\n")
	}
	var found []string
	for _, change := range changes {
		verb := "wrote "
		if change.Removed {
			verb = "removed "
		}
		found = append(found, verb+change.Path)
	}
	return found
}

// files are those in packs/ of the pack shop.
func (p place) files() []string {
	entries, _ := os.ReadDir(p.path("shop/packs"))
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func (p place) compare(what string, want, got []string) {
	p.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		p.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func (p place) lock() string {
	p.Helper()
	text, err := os.ReadFile(p.path("shop/Pack.lock"))
	p.check(err)
	return string(text)
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	t.Run("it takes the newest version that is allowed", updateTakesTheNewest)
	t.Run("others in a repository may be broken", othersInARepositoryMayBeBroken)
	t.Run("a folder and its archive are the same", aFolderAndItsArchiveAreTheSame)
	t.Run("nothing is written unless everything is found", nothingIsWrittenUnlessEverythingIsFound)
	t.Run("what it wrote before is removed, and nothing else", onlyItsOwnIsRemoved)
	t.Run("what somebody else put there is not overwritten", whatSomebodyElsePutThereIsNotOverwritten)
	t.Run("another program compresses otherwise", anotherProgramCompressesOtherwise)
	t.Run("two versions of one", twoVersionsOfOne)
	t.Run("what was cut short is completed", whatWasCutShortIsCompleted)
	t.Run("what the pack would ignore is not written", whatThePackWouldIgnoreIsNotWritten)
	t.Run("cycles are refused", cyclesAreRefused)
	t.Run("what is no folder of a pack", whatIsNoFolderOfAPack)
}

func updateTakesTheNewest(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for _, version := range []string{"1.9.0", "1.10.0", "2.0.0", "1.11.0-rc.1"} {
		p.archive("all/db-"+version+".tgz", "db", version)
	}
	p.archive("all/db-tools-1.99.0.tgz", "db-tools", "1.99.0")
	p.pack("all/db", "db", "1.8.0", "")
	p.pack("shop", "shop", "1.0.0", "[{name: db, version: ^1, repository: ../all}, {name: db, version: 1.8.x, repository: file://"+p.path("all")+", alias: old}]")
	p.compare("changes", []string{"wrote packs/db-1.10.0.tgz", "wrote packs/db-1.8.0.tgz", "wrote Pack.lock"}, p.update())
	p.compare("changes", nil, p.update())
	report := p.inspect("shop")
	if len(report.Entries) != 2 || report.Entries[0].Found != "1.10.0" || report.Entries[1].Found != "1.8.0" || report.Stale {
		t.Errorf("got %+v", report)
	}
}

func (p place) inspect(folder string) dependency.Report {
	p.Helper()
	opened, err := source.Open(p.path(folder))
	p.check(err)
	report, err := dependency.Inspect(opened)
	p.check(err)
	return report
}

func othersInARepositoryMayBeBroken(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.pack("shop", "shop", "1.0.0", "[{name: db, repository: ../all}]")
	p.write("all/db-extra-1.0.0.tgz", "broken")
	const broken = "read pack archive: neither a folder nor a .tgz archive; a pack is a folder, or a .tgz archive of one"
	p.compare("nothing else", []string{"shop/Pack.yaml:4: dependencies[0]: all/db-extra-1.0.0.tgz: " + broken}, p.update())
	p.archive("all/db-1.0.0.tgz", "db", "1.0.0")
	p.compare("changes", []string{"wrote packs/db-1.0.0.tgz", "wrote Pack.lock"}, p.update())
	p.write("all/db-2.0.0.tgz", "broken")
	p.compare("its own", []string{"shop/Pack.yaml:4: dependencies[0]: all/db-2.0.0.tgz: " + broken}, p.update())
}

func aFolderAndItsArchiveAreTheSame(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.pack("db", "db", "1.0.0", "")
	p.archive("db.tgz", "db", "1.0.0")
	p.pack("shop", "shop", "1.0.0", "[{name: db, repository: ../db}]")
	p.update()
	before := p.lock()
	p.pack("shop", "shop", "1.0.0", "[{name: db, repository: ../db.tgz}]")
	p.compare("changes", []string{"wrote Pack.lock"}, p.update())
	digests := func(lock string) string { return lock[strings.LastIndex(lock, "digest: "):] }
	if digests(before) != digests(p.lock()) || before == p.lock() {
		t.Errorf("%s\nbecame\n%s", before, p.lock())
	}
	// So is one that lies in packs/ as a folder, and needs no repository.
	p.check(os.RemoveAll(p.path("shop/packs")))
	p.pack("shop/packs/mine", "db", "1.0.0", "")
	p.pack("shop", "shop", "1.0.0", "[{name: db}]")
	p.compare("changes", []string{"wrote Pack.lock"}, p.update())
	if digests(before) != digests(p.lock()) {
		t.Errorf("%s\nbecame\n%s", before, p.lock())
	}
	p.compare("files", []string{"mine"}, p.files())
}

func nothingIsWrittenUnlessEverythingIsFound(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.pack("db", "db", "1.0.0", "")
	p.pack("lacks", "lacks", "1.0.0", "[{name: it}]")
	p.pack("shop", "shop", "1.0.0", `
  - {name: db, repository: ../db}
  - {name: db, version: ^2, repository: ../db, alias: new}
  - {name: web, repository: ../db}
  - {name: no, repository: ../no}
  - {name: here}
  - {name: lacks, repository: ../lacks}`)
	p.compare("problems", []string{
		"shop/Pack.yaml:6: dependencies[1]: db has version 1.0.0",
		"shop/Pack.yaml:7: dependencies[2]: db is db",
		"shop/Pack.yaml:8: dependencies[3]: no: read pack: no such file or directory",
		"shop/Pack.yaml:9: dependencies[4]: here is not in packs/, and has no repository; put it there, or name its folder or archive as repository",
		"shop/Pack.yaml:10: dependencies[5]: lacks/Pack.yaml:4: dependencies[0]: it is not in packs/; run kubectl sherpack dependency update lacks",
	}, p.update())
	if _, err := os.Stat(p.path("shop/Pack.lock")); !errors.Is(err, os.ErrNotExist) || len(p.files()) > 0 {
		t.Errorf("written: %v, %v", err, p.files())
	}
}

func onlyItsOwnIsRemoved(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.pack("db", "db", "1.0.0", "")
	p.pack("web", "web", "1.0.0", "")
	p.archive("shop/packs/other-1.0.0.tgz", "other", "1.0.0")
	p.pack("shop", "shop", "1.0.0", "[{name: db, repository: ../db}, {name: web, repository: ../web}]")
	p.update()
	p.pack("db", "db", "1.1.0", "")
	p.pack("shop", "shop", "1.0.0", "[{name: db, repository: ../db}]")
	p.compare("changes", []string{"wrote packs/db-1.1.0.tgz", "removed packs/db-1.0.0.tgz", "removed packs/web-1.0.0.tgz", "wrote Pack.lock"}, p.update())
	p.compare("files", []string{"db-1.1.0.tgz", "other-1.0.0.tgz"}, p.files())
	p.pack("shop/packs/db", "db", "0.9.0", "")
	p.compare("problems", []string{
		"shop/Pack.yaml:4: dependencies[0]: packs/db is db 0.9.0 and was not written by dependency update; delete it, or remove the repository",
	}, p.update())
	p.compare("files", []string{"db", "db-1.1.0.tgz", "other-1.0.0.tgz"}, p.files())
}

func whatSomebodyElsePutThereIsNotOverwritten(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.pack("db", "db", "1.0.0", "")
	p.pack("shop", "shop", "1.0.0", "[{name: db, repository: ../db}]")
	p.write("db/values.yaml", "more: true\n")
	p.handmade("shop/packs/db-1.0.0.tgz", "db")
	p.compare("the same contents", []string{"wrote Pack.lock"}, p.update())
	p.write("db/values.yaml", "more: false\n")
	p.compare("others", []string{
		"shop/Pack.yaml:4: dependencies[0]: packs/db-1.0.0.tgz is db 1.0.0 and was not written by dependency update; delete it, or remove the repository",
	}, p.update())
	p.archive("shop/packs/db-1.0.0.tgz", "other", "1.1.0")
	p.compare("another pack", []string{
		"shop/Pack.yaml:4: dependencies[0]: packs/db-1.0.0.tgz is other 1.1.0 and was not written by dependency update; delete it, or remove the repository",
	}, p.update())
	p.archive("shop/packs/db-1.0.0.tgz", "db", "1.0.0")
	p.compare("its own", []string{"wrote packs/db-1.0.0.tgz", "wrote Pack.lock"}, p.update())
}

func anotherProgramCompressesOtherwise(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.pack("common", "common", "1.0.0", "")
	p.pack("db", "db", "1.0.0", "")
	p.archive("db/packs/common-1.0.0.tgz", "common", "1.0.0")
	p.pack("shop", "shop", "1.0.0", "[{name: db, repository: ../db}]")
	p.update()
	before := p.lock()
	p.compress("shop/packs/db-1.0.0.tgz")
	p.compare("an update of the same", nil, p.update())
	p.compare("what is built", nil, p.build())
	// What a dependency depends on was written again, too.
	p.compress("db/packs/common-1.0.0.tgz")
	p.check(os.RemoveAll(p.path("shop/packs")))
	p.compare("what is built anew", []string{"wrote packs/db-1.0.0.tgz"}, p.build())
	if got := p.lock(); got != before {
		t.Errorf("%s\nbecame\n%s", before, got)
	}
	p.compress("shop/packs/db-1.0.0.tgz")
	p.pack("db", "db", "1.1.0", "")
	p.compare("an update", []string{"wrote packs/db-1.1.0.tgz", "removed packs/db-1.0.0.tgz", "wrote Pack.lock"}, p.update())
}

func twoVersionsOfOne(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.archive("all/db-1.0.0.tgz", "db", "1.0.0")
	p.archive("shop/packs/db-2.0.0.tgz", "db", "2.0.0")
	p.pack("shop", "shop", "1.0.0", "[{name: db, version: ^1, repository: ../all}, {name: db, version: ^2, alias: new}]")
	p.compare("changes", []string{"wrote packs/db-1.0.0.tgz", "wrote Pack.lock"}, p.update())
	p.compare("files", []string{"db-1.0.0.tgz", "db-2.0.0.tgz"}, p.files())
}

// An update that was killed has written some archives, or has not removed others, and has not written the lock.
func whatWasCutShortIsCompleted(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.pack("db", "db", "1.0.0", "")
	p.pack("shop", "shop", "1.0.0", "[{name: db, repository: ../db}]")
	p.update()
	p.pack("db", "db", "1.1.0", "")
	p.archive("shop/packs/db-1.1.0.tgz", "db", "1.1.0")
	p.write("shop/packs/.sherpack-pending", "half")
	p.compare("changes", []string{"removed packs/db-1.0.0.tgz", "wrote Pack.lock"}, p.update())
	p.compare("files", []string{"db-1.1.0.tgz"}, p.files())
}

func whatThePackWouldIgnoreIsNotWritten(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.pack("db", "db", "1.0.0", "")
	p.pack("shop", "shop", "1.0.0", "[{name: db, repository: ../db}]")
	p.write("shop/.sherpackignore", "*.tgz\n")
	p.compare("problems", []string{
		"shop/.sherpackignore: excludes packs/db-1.0.0.tgz; a line such as /*.tgz excludes archives at the top of the pack alone",
	}, p.update())
	p.write("shop/.sherpackignore", "/*.tgz\n")
	p.compare("changes", []string{"wrote packs/db-1.0.0.tgz", "wrote Pack.lock"}, p.update())
}

func cyclesAreRefused(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.pack("shop", "shop", "1.0.0", "[{name: a, repository: ../all}]")
	p.pack("all/a", "a", "1.0.0", "[{name: b, repository: ../b}]")
	p.pack("all/b", "b", "1.0.0", "[{name: shop, repository: ../../shop}]")
	p.compare("problems", []string{"shop/Pack.yaml: the pack depends on itself: shop → all/a → all/b → shop"}, p.update())
	for i := range 12 {
		p.pack(fmt.Sprintf("deep/%d", i), fmt.Sprintf("p%d", i), "1.0.0", fmt.Sprintf("[{name: p%d, repository: ../%d}]", i+1, i+1))
	}
	p.pack("shop", "shop", "1.0.0", "[{name: p0, repository: ../deep/0}]")
	if got := p.update(); len(got) != 1 || !strings.Contains(got[0], "packs depend on each other more than 10 deep: ") {
		t.Errorf("got %q", got)
	}
}

func whatIsNoFolderOfAPack(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.archive("shop", "shop", "1.0.0")
	p.compare("an archive", []string{"shop: is an archive, which is not changed; update the folder that it was made of"}, p.update())
	p.check(os.Remove(p.path("shop")))
	p.write("shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n")
	p.compare("a chart", []string{"shop: is a Helm chart; run helm dependency build shop"}, p.update())
}

func TestBuild(t *testing.T) {
	t.Parallel()
	t.Run("it restores what the lock says", buildRestoresWhatTheLockSays)
	t.Run("it tells builds of a version apart", buildTellsBuildsApart)
	t.Run("it refuses what differs", buildRefusesWhatDiffers)
	t.Run("it needs a lock", buildNeedsALock)
}

func buildRestoresWhatTheLockSays(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.archive("all/db-1.0.0.tgz", "db", "1.0.0")
	p.write("site/Chart.yaml", "apiVersion: v2\nname: site\nversion: 0.1.0\n")
	p.pack("shop/packs/mine", "mine", "1.0.0", "")
	p.pack("shop", "shop", "1.0.0", "[{name: db, repository: ../all}, {name: site, repository: ../site}, {name: mine}]")
	p.update()
	before := p.lock()
	p.archive("all/db-1.1.0.tgz", "db", "1.1.0")
	p.compare("changes", nil, p.build())
	p.update()
	p.write("shop/Pack.lock", before)
	p.compare("changes", []string{"wrote packs/db-1.0.0.tgz", "removed packs/db-1.1.0.tgz"}, p.build())
	p.check(os.Remove(p.path("shop/packs/site-0.1.0.tgz")))
	p.compare("changes", []string{"wrote packs/site-0.1.0.tgz"}, p.build())
	if p.lock() != before {
		t.Error("the lock was changed")
	}
}

func buildTellsBuildsApart(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.archive("all/db-1.0.0+a.tgz", "db", "1.0.0+a")
	p.pack("shop", "shop", "1.0.0", "[{name: db, repository: ../all}]")
	p.update()
	p.archive("all/db-1.0.0+b.tgz", "db", "1.0.0+b")
	p.pack("all/db", "db", "1.0.0+a", "")
	p.write("all/db/values.yaml", "changed: true\n")
	p.check(os.RemoveAll(p.path("shop/packs")))
	p.compare("changes", []string{"wrote packs/db-1.0.0+a.tgz"}, p.build())
}

func buildRefusesWhatDiffers(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.pack("db", "db", "1.0.0", "")
	p.pack("shop/packs/mine", "mine", "1.0.0", "")
	p.pack("shop", "shop", "1.0.0", "[{name: db, repository: ../db}, {name: mine}]")
	p.update()
	p.write("db/values.yaml", "changed: true\n")
	p.compare("changes", nil, p.build())
	p.check(os.Remove(p.path("shop/packs/db-1.0.0.tgz")))
	p.write("shop/packs/mine/values.yaml", "changed: true\n")
	got := p.build()
	if len(got) != 2 || !strings.Contains(got[0], "dependencies[0]: db 1.0.0 in db is not what Pack.lock says: its digest is files-sha256:") ||
		!strings.Contains(got[1], "dependencies[1]: mine 1.0.0 is not in packs/ as Pack.lock has it, and has no repository") {
		t.Errorf("got %q", got)
	}
	p.compare("files", []string{"mine"}, p.files())
}

func buildNeedsALock(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.pack("db", "db", "1.0.0", "")
	p.pack("shop", "shop", "1.0.0", "")
	p.compare("without dependencies", nil, p.build())
	p.pack("shop", "shop", "1.0.0", "[{name: db, repository: ../db}]")
	p.compare("none", []string{"shop: has no Pack.lock; run kubectl sherpack dependency update shop"}, p.build())
	p.update()
	lock := p.lock()
	p.pack("shop", "shop", "1.0.0", "[{name: db, repository: ../db, version: ^1}]")
	p.compare("another", []string{"shop/Pack.lock: is out of date: Pack.yaml lists other dependencies; run kubectl sherpack dependency update shop"}, p.build())
	p.write("shop/Pack.lock", "apiVersion: sherpack/v1\ndigest: x\n")
	p.compare("a broken one", []string{"shop/Pack.lock:2: digest: is no digest such as sha256:…"}, p.build())
	p.write("shop/Pack.lock", strings.ReplaceAll(lock, "files-sha256:", "sha256:"))
	p.compare("one of an earlier version", []string{
		"shop/Pack.lock:8: dependencies[0].digest: is the digest of an archive, as earlier versions of kubectl sherpack have written it; " +
			"delete the file, and run kubectl sherpack dependency update",
	}, p.build())
}

func TestInspect(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.archive("shop/packs/a-1.0.0.tgz", "a", "1.0.0")
	p.pack("shop/packs/b", "b", "1.0.0", "")
	p.pack("shop/packs/c", "c", "1.0.0", "")
	p.pack("shop/packs/d", "d", "1.0.0", "")
	p.pack("shop/packs/d2", "d", "1.0.0", "")
	p.pack("shop/packs/x", "x", "1.0.0", "")
	p.pack("shop", "shop", "1.0.0", "[{name: a}, {name: b}, {name: c, version: ^2}, {name: d}, {name: e}]")
	report := p.inspect("shop")
	var got []string
	for _, entry := range report.Entries {
		got = append(got, strings.TrimSpace(entry.Name+": "+string(entry.Status)+" "+entry.Found))
	}
	p.compare("entries", []string{"a: ok 1.0.0", "b: unpacked 1.0.0", "c: wrong version 1.0.0", "d: too many matches", "e: missing"}, got)
	p.compare("unlisted", []string{"packs/x"}, report.Unlisted)
}
