package plugin

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
)

func TestProvenance(t *testing.T) {
	t.Parallel()
	t.Run("the address of a CI run", addressOfARun)
	t.Run("the commit of a folder, and whether it differs", commitOfAFolder)
	t.Run("a folder that no commit has is of none", folderOfNoCommit)
	t.Run("git runs nothing that the repository names", gitRunsNothingOfTheRepository)
	t.Run("git fetches nothing", gitFetchesNothing)
	t.Run("the digest is that of the archive", digestIsThatOfTheArchive)
	t.Run("a digest that takes too long is given up", digestThatTakesTooLong)
}

func addressOfARun(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env  map[string]string
		want string
	}{
		"none":                  {},
		"GitHub":                {map[string]string{"GITHUB_SERVER_URL": "https://git.example.com/", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "7"}, "https://git.example.com/a/b/actions/runs/7"},
		"a server not named":    {map[string]string{"GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "7"}, "https://github.com/a/b/actions/runs/7"},
		"half of GitHub":        {map[string]string{"GITHUB_RUN_ID": "7"}, ""},
		"GitLab":                {map[string]string{"CI_JOB_URL": "https://gitlab.example.com/1"}, "https://gitlab.example.com/1"},
		"Jenkins":               {map[string]string{"BUILD_URL": "https://jenkins.example.com/1"}, "https://jenkins.example.com/1"},
		"GitHub before Jenkins": {map[string]string{"GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "7", "BUILD_URL": "https://x"}, "https://github.com/a/b/actions/runs/7"},
	} {
		if got := runAddress(func(variable string) string { return test.env[variable] }); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// files writes files below a folder.
func files(t *testing.T, folder string, texts map[string]string) {
	t.Helper()
	for name, text := range texts {
		target := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const packYAML = "apiVersion: sherpack/v1\nkind: application\nmetadata: {name: app, version: 1.0.0}\n"

// git runs git in a folder, with nobody's configuration.
func git(t *testing.T, folder string, args ...string) string {
	t.Helper()
	command := exec.Command("git", append([]string{"-C", folder, "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"}, args...)...)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v: %s", args, err, output)
	}
	return strings.TrimSpace(string(output))
}

// repository returns a work tree with a pack in the folder app, and the commit that has it.
func repository(t *testing.T) (tree, commit string) {
	t.Helper()
	tree = t.TempDir()
	files(t, tree, map[string]string{"README": "a", "app/Pack.yaml": packYAML, "app/templates/a.yaml": "a: 1\n", "app/.sherpackignore": "*.tmp\n"})
	git(t, tree, "init", "--quiet")
	git(t, tree, "add", "--all")
	git(t, tree, "commit", "--quiet", "--message=a")
	return tree, git(t, tree, "rev-parse", "HEAD")
}

func opened(t *testing.T, folder string) *pack.Pack {
	t.Helper()
	found, err := pack.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func commitOfAFolder(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(t *testing.T, tree string)
		dirty  bool
	}{
		"as it was committed": {func(*testing.T, string) {}, false},
		"a file was changed": {func(t *testing.T, tree string) {
			t.Helper()
			files(t, tree, map[string]string{"app/templates/a.yaml": "a: 2\n"})
		}, true},
		"a file was added": {func(t *testing.T, tree string) {
			t.Helper()
			files(t, tree, map[string]string{"app/templates/b.yaml": "b: 2\n"})
		}, true},
		"a file was removed": {func(t *testing.T, tree string) {
			t.Helper()
			if err := os.Remove(filepath.Join(tree, "app/templates/a.yaml")); err != nil {
				t.Fatal(err)
			}
		}, true},
		"a file is ignored by the pack": {func(t *testing.T, tree string) {
			t.Helper()
			files(t, tree, map[string]string{"app/a.tmp": "b"})
		}, false},
		"line breaks of Windows": {func(t *testing.T, tree string) {
			t.Helper()
			files(t, tree, map[string]string{"app/templates/a.yaml": "a: 1\r\n"})
		}, false},
		"something else was changed": {func(t *testing.T, tree string) {
			t.Helper()
			files(t, tree, map[string]string{"README": "b"})
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree, want := repository(t)
			test.change(t, tree)
			commit, dirty := commitOf(t.Context(), opened(t, filepath.Join(tree, "app")))
			if commit != want || dirty != test.dirty {
				t.Errorf("commit %q, dirty %v; want %q, %v", commit, dirty, want, test.dirty)
			}
		})
	}
}

func folderOfNoCommit(t *testing.T) {
	t.Parallel()
	tree, _ := repository(t)
	files(t, tree, map[string]string{"other/Pack.yaml": packYAML})
	bare := t.TempDir()
	files(t, bare, map[string]string{"Pack.yaml": packYAML})
	for _, folder := range []string{filepath.Join(tree, "other"), bare} {
		if commit, dirty := commitOf(t.Context(), opened(t, folder)); commit != "" || dirty {
			t.Errorf("%s: commit %q, dirty %v", folder, commit, dirty)
		}
	}
}

// A pack may come with a repository whose configuration has git run programs.
func gitRunsNothingOfTheRepository(t *testing.T) {
	t.Parallel()
	tree, want := repository(t)
	trace := tracing(t, tree, "core.fsmonitor", "filter.x.clean", "filter.x.smudge", "filter.x.process", "diff.external", "core.pager", "core.sshCommand")
	files(t, tree, map[string]string{".git/info/attributes": "* filter=x\n", "app/templates/a.yaml": "a: 2\n"})
	if commit, dirty := commitOf(t.Context(), opened(t, filepath.Join(tree, "app"))); commit != want || !dirty {
		t.Errorf("commit %q, dirty %v", commit, dirty)
	}
	checkTrace(t, trace, tree, "status")
}

// A partial clone fetches what it lacks when that is read.
func gitFetchesNothing(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{"ssh": "ssh://example.invalid/a", "a program": ".", "a helper": "ext::program %S"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree, commit := repository(t)
			lost := git(t, tree, "rev-parse", commit+":app")
			trace := tracing(t, tree, "core.sshCommand", "remote.origin.uploadpack")
			for key, value := range map[string]string{
				"core.repositoryFormatVersion": "1", "extensions.partialClone": "origin", "protocol.allow": "always",
				"remote.origin.promisor": "true", "remote.origin.url": strings.Replace(address, "program", filepath.Join(filepath.Dir(trace), "program"), 1),
			} {
				git(t, tree, "config", key, value)
			}
			if err := os.Remove(filepath.Join(tree, ".git/objects", lost[:2], lost[2:])); err != nil {
				t.Fatal(err)
			}
			if found, dirty := commitOf(t.Context(), opened(t, filepath.Join(tree, "app"))); found != "" || dirty {
				t.Errorf("commit %q, dirty %v", found, dirty)
			}
			checkTrace(t, trace, tree, "ls-tree", "-r", commit)
		})
	}
}

// tracing has keys of a repository's configuration name a program that leaves a trace, a file beside it.
func tracing(t *testing.T, tree string, keys ...string) (trace string) {
	t.Helper()
	folder := t.TempDir()
	trace, program := filepath.Join(folder, "trace"), filepath.Join(folder, "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\ntouch "+trace+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		git(t, tree, "config", key, program)
	}
	return trace
}

// checkTrace reports a trace of a program that git has run so far, and that an unguarded command of git leaves none: then this
// says nothing.
func checkTrace(t *testing.T, trace, tree string, unguarded ...string) {
	t.Helper()
	if _, err := os.Stat(trace); err == nil {
		t.Error("git has run a program that the repository names")
	}
	_ = exec.Command("git", append([]string{"-C", tree}, unguarded...)...).Run()
	if _, err := os.Stat(trace); err != nil {
		t.Errorf("not even %s runs it", unguarded[0])
	}
}

func digestIsThatOfTheArchive(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	files(t, folder, map[string]string{"Pack.yaml": packYAML})
	source := opened(t, folder)
	archive := filepath.Join(t.TempDir(), "a.tgz")
	digest, err := writeArchive(source, archive)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{folder, archive} {
		if got := digestOf(t.Context(), opened(t, path)); got != "sha256:"+digest {
			t.Errorf("%s: %q, want %q", path, got, digest)
		}
	}
}

func digestThatTakesTooLong(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	files(t, folder, map[string]string{"Pack.yaml": packYAML})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := digestOf(ctx, opened(t, folder)); got != "" {
		t.Errorf("the digest is %q", got)
	}
}
