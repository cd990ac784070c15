package pack

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestLock(t *testing.T) {
	t.Parallel()
	t.Run("it is read as it was written", lockIsReadAsItWasWritten)
	t.Run("it belongs to dependencies", lockBelongsToDependencies)
	t.Run("all problems are named", lockProblems)
}

const (
	someDigest      = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	someFilesDigest = "files-" + someDigest
)

func lockIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	lock := NewLock([]Dependency{{Name: "db", Repository: "../db"}}, []Locked{{Name: "db", Version: "1.2.0", Repository: "../db", Digest: someFilesDigest}})
	text, err := lock.Encode()
	check(t, err)
	want := `# Written by kubectl sherpack dependency update. Do not edit it.
apiVersion: sherpack/v1
digest: ` + DigestOf([]Dependency{{Name: "db", Repository: "../db"}}) + `
dependencies:
  - name: db
    version: 1.2.0
    repository: ../db
    digest: ` + someFilesDigest + "\n"
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Error(diff)
	}
	got, err := build(t, map[string]string{LockFile: string(text)}).Lock()
	check(t, err)
	if diff := cmp.Diff(&lock, got); diff != "" {
		t.Error(diff)
	}
	if none, err := build(t, nil).Lock(); none != nil || err != nil {
		t.Errorf("got %v, %v", none, err)
	}
}

func lockBelongsToDependencies(t *testing.T) {
	t.Parallel()
	wanted := []Dependency{{Name: "db", Version: "^1"}}
	lock := NewLock(wanted, []Locked{{Name: "db", Version: "1.2.0", Digest: someFilesDigest}})
	for _, other := range [][]Dependency{nil, {{Name: "db", Version: "^2"}}, {{Name: "db", Version: "^1", Tags: []string{"a"}}}} {
		if lock.IsFor(other) {
			t.Errorf("it is for %v", other)
		}
	}
	if !lock.IsFor(wanted) {
		t.Error("it is not for its own")
	}
}

func lockProblems(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"": {
			`Pack.lock: apiVersion: is "", must be sherpack/v1`, "Pack.lock: digest: is no digest such as sha256:…",
		},
		"a: [\n": {"Pack.lock:1: did not find expected node content"},
		"apiVersion: sherpack/v1\ndigest: " + someDigest + "\ndependencies: [{name: /, version: ../x, digest: x, extra: 1}]\n": {
			"Pack.lock:3: dependencies[0].extra: unknown key",
			`Pack.lock:3: dependencies[0].name: is "/", must be 1 to 63 letters, digits, dashes, dots or underscores, a letter or digit first and last`,
			`Pack.lock:3: dependencies[0].version: is "../x", must be a version such as 1.2.0`,
			"Pack.lock:3: dependencies[0].digest: is no digest such as files-sha256:…",
		},
	} {
		_, err := ParseLock(LockFile, []byte(text))
		if diff := cmp.Diff(want, lines(t, err)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

// Whatever a lock says is refused or names files in packs/ alone.
func FuzzLock(f *testing.F) {
	f.Add([]byte("apiVersion: sherpack/v1\ndigest: " + someDigest + "\ndependencies:\n- {name: db, version: 1.0.0, digest: " + someFilesDigest + "}\n"))
	f.Add([]byte("dependencies: &a [*a]\n"))
	f.Add([]byte("dependencies: [{name: ../x, version: /}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		lock, err := ParseLock(LockFile, data)
		onlyKnownErrors(t, err)
		if err != nil {
			return
		}
		for _, locked := range lock.Dependencies {
			if name := locked.ArchiveName(); strings.ContainsAny(name, "/\\\x00") || strings.HasPrefix(name, ".") {
				t.Errorf("the lock names the file %q", name)
			}
		}
		text, err := lock.Encode()
		check(t, err)
		again, err := ParseLock(LockFile, text)
		check(t, err)
		if diff := cmp.Diff(lock, again, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	})
}

// Whatever Pack.yaml says of dependencies is refused or can be compared with versions and called by a key.
func FuzzDependencies(f *testing.F) {
	f.Add([]byte("[{name: db, version: ^1, repository: file://../db, alias: a, condition: 'a.b', tags: [c]}]"))
	f.Add([]byte("&a [*a]"))
	f.Add([]byte("[{name: x, version: '>=1 || <2 - 3'}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := New("p", []File{{Path: MetadataFile, Data: append([]byte(minimal+"dependencies: "), data...)}})
		onlyKnownErrors(t, err)
		if err != nil {
			return
		}
		keys := map[string]bool{}
		for _, dependency := range p.Dependencies {
			dependency.Allows("1.2.3")
			if key := dependency.Key(); key == "" || key == GlobalKey || keys[key] {
				t.Errorf("accepted the key %q", key)
			}
			keys[dependency.Key()] = true
		}
	})
}
