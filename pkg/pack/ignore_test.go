package pack

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIgnore(t *testing.T) {
	t.Parallel()
	t.Run("it means what it means to git", ignoreMeansWhatItMeansToGit)
	t.Run("what is refused", ignoreFilesThatAreRefused)
	t.Run("what is ignored is not read", whatIsIgnoredIsNotRead)
	t.Run("an archive of everything is read as the folder is", anArchiveOfEverythingIsReadAsTheFolder)
}

// tree are the files that rules are tried on.
func tree() []string {
	return []string{
		"Pack.yaml", "README.md", "a.md", "docs/a.md", "docs/b.txt", "docs/deep/a.md", "docs/deep/er/c.txt", "logs/x.log", "logs/keep.log",
		"sub/logs/y.log", "templates/a.yaml", "templates/b.tmp", "{x}.txt", "x.txt", "#n", "!n", "n ", "tab", "Ax", "Bx", "docs.md/x",
	}
}

func ignoreMeansWhatItMeansToGit(t *testing.T) {
	t.Parallel()
	for title, rules := range map[string]string{
		"nothing":                               "",
		"comments and empty lines":              "# a.md\n\n   \n",
		"a name in any folder":                  "a.md\n",
		"a pattern in any folder":               "*.md\n",
		"a file at the top":                     "/a.md\n",
		"a path":                                "docs/a.md\n",
		"a path with a star":                    "docs/*.md\n",
		"a folder, wherever it is":              "logs/\n",
		"a folder at the top":                   "/logs/\n",
		"a file is no folder":                   "a.md/\n",
		"a folder of the name of files":         "docs.md/\n",
		"all folders":                           "*/\n",
		"all but one":                           "logs/*\n!logs/keep.log\n",
		"nothing of an ignored folder":          "logs/\n!logs/keep.log\n",
		"the last one counts":                   "*.md\n!a.md\ndocs/deep/\n",
		"the order counts":                      "!README.md\n*.md\n",
		"two stars before":                      "**/a.md\n",
		"two stars after":                       "docs/**\n",
		"two stars after, and something though": "docs/**\n!docs/b.txt\n",
		"two stars between":                     "docs/**/a.md\n",
		"two stars in a name":                   "docs/**.txt\n",
		"braces are letters":                    "{x,y}.txt\n{x}.txt\n",
		"a class":                               "[AB]x\n",
		"a class that is not":                   "[!A]x\n",
		"a question mark":                       "?.md\n",
		"escapes":                               "\\#n\n\\!n\n",
		"a space at the end":                    "n \n",
		"an escaped space at the end":           "n\\ \n",
		"the ends of lines on Windows":          "*.md\r\nlogs/\r\n",
		"everything but the templates":          "*\n!*/\n!templates/*.yaml\n!Pack.yaml\n",
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			want := keptByGit(t, strings.ReplaceAll(rules, "\r\n", "\n"))
			parsed, err := parseIgnore([]byte(rules))
			check(t, err)
			got := slices.DeleteFunc(tree(), parsed.excludes)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("kept (-git +here):\n%s", diff)
			}
		})
	}
}

// keptByGit are the files of the tree that git does not ignore.
func keptByGit(t *testing.T, rules string) []string {
	t.Helper()
	folder := t.TempDir()
	files := map[string]string{}
	for _, name := range tree() {
		files[name] = ""
	}
	write(t, folder, files)
	exclude := filepath.Join(t.TempDir(), "rules")
	check(t, os.WriteFile(exclude, []byte(rules), 0o600))
	git(t, folder, "init", "--quiet")
	kept := strings.Split(git(t, folder, "ls-files", "-z", "--others", "--exclude-from="+exclude), "\x00")
	kept = slices.DeleteFunc(kept, func(name string) bool { return name == "" })
	slices.Sort(kept)
	return kept
}

func git(t *testing.T, folder string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "git", args...)
	command.Dir = folder
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull)
	output, err := command.Output()
	if err != nil {
		t.Fatalf("git %v: %v", args, err)
	}
	return string(output)
}

func ignoreFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		rules, want string
	}{
		"a class that is not closed":  {"a\n[a\n", "read pack: .sherpackignore:2: [a is not a valid pattern"},
		"more than anybody has":       {strings.Repeat("a\n", maxRules+1), "read pack: .sherpackignore has more than 1000 patterns"},
		"one that ignores all":        {"*\n", ".sherpackignore excludes Pack.yaml, which every pack must have"},
		"one that is outside, linked": {"", "read pack: .sherpackignore: path escapes from parent"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			write(t, folder, map[string]string{"Pack.yaml": minimal})
			if test.rules == "" {
				link(t, "../rules", filepath.Join(folder, IgnoreFile))
			} else {
				write(t, folder, map[string]string{IgnoreFile: test.rules})
			}
			_, err := Open(folder)
			if err == nil || err.Error() != folder+": "+test.want {
				t.Errorf("got %v", err)
			}
		})
	}
}

func whatIsIgnoredIsNotRead(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write(t, folder, map[string]string{
		"Pack.yaml": minimal, IgnoreFile: "*.tmp\n/big/\n.*\n", "templates/a.yaml": "a", "templates/b.tmp": "b", "conf/c": "c", ".hidden": "x",
	})
	write(t, folder, map[string]string{"big/y": ""})
	truncate(t, filepath.Join(folder, "big", "x"), maxFile+1)
	link(t, "/nowhere", filepath.Join(folder, "link.tmp"))
	p, err := Open(folder)
	check(t, err)
	if diff := cmp.Diff([]string{IgnoreFile, "Pack.yaml", "conf/c", "templates/a.yaml"}, paths(p.All)); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]bool{"big/z": true, "x.tmp": true, "conf/d": false, IgnoreFile: false} {
		if got := p.Excludes(name); got != want {
			t.Errorf("excludes %s: %v", name, got)
		}
	}
}

func anArchiveOfEverythingIsReadAsTheFolder(t *testing.T) {
	t.Parallel()
	archive := makeArchive(t, []File{
		{Path: "Pack.yaml", Data: []byte(minimal)}, {Path: IgnoreFile, Data: []byte("*.tmp\n")}, {Path: "a.tmp"}, {Path: "templates/b.tmp"}, {Path: "c"},
	}, "mypack/")
	p, err := Open(archive)
	check(t, err)
	if diff := cmp.Diff([]string{IgnoreFile, "Pack.yaml", "c"}, paths(p.All)); diff != "" {
		t.Error(diff)
	}
}
