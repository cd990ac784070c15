package plugin

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // It is what git names files by.
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
)

// commitOf returns the commit of the work tree that the folder of a pack lies in, and whether the pack differs from it; "" where
// it lies in none, or there is no git. The configuration of the folder's repository may be anybody's, so only such commands of
// git are run that run nothing it names, as status would. A repository that lacks objects is of no commit.
func commitOf(ctx context.Context, source *pack.Pack) (commit string, dirty bool) {
	if found, err := os.Stat(source.Path); err != nil || !found.IsDir() {
		return "", false
	}
	head, err := runGit(ctx, source.Path, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
	if err != nil {
		return "", false
	}
	commit = strings.TrimSpace(string(head))
	listed, err := runGit(ctx, source.Path, "ls-tree", "-r", "-z", commit)
	if err != nil {
		return "", false
	}
	committed := readTree(listed)
	if len(committed) == 0 {
		// The folder is in the work tree of something else, which does not know it.
		return "", false
	}
	return commit, differs(source, committed)
}

// runGit runs git in a folder, whatever repository the environment names. Where an object is missing that a partial clone would
// fetch, it fails: a fetch runs the ssh of the repository's configuration, or the program of its remote.
func runGit(ctx context.Context, folder string, args ...string) ([]byte, error) {
	safe := []string{"-C", folder, "--no-pager", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.DevNull}
	command := exec.CommandContext(ctx, "git", append(safe, args...)...)
	command.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.Contains([]string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX"}, name)
	})
	// A git before 2.45 begins to fetch all the same, but may use no protocol.
	command.Env = append(command.Env, "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none")
	return command.Output()
}

// blob is a file as git has it: its name for the content, and whether it is a plain file and not a link or another repository.
type blob struct {
	id    string
	plain bool
}

// readTree reads the output of ls-tree -z: mode, type and id, separated by blanks, a tab, the path, and a zero byte.
func readTree(listed []byte) map[string]blob {
	files := map[string]blob{}
	for entry := range bytes.SplitSeq(listed, []byte{0}) {
		facts, name, found := strings.Cut(string(entry), "\t")
		fields := strings.Fields(facts)
		if !found || len(fields) != 3 {
			continue
		}
		files[name] = blob{id: fields[2], plain: strings.HasPrefix(fields[0], "100")}
	}
	return files
}

// differs reports whether a pack has other files, or files of other content, than its folder had when that was committed. Files
// that the pack ignores do not count.
func differs(source *pack.Pack, committed map[string]blob) bool {
	seen := map[string]bool{}
	for _, file := range source.All {
		seen[file.Path] = true
		known, found := committed[file.Path]
		if !found || known.plain && !hasID(file.Data, known.id) {
			return true
		}
	}
	for name := range committed {
		if seen[name] {
			continue
		}
		if _, err := os.Lstat(filepath.Join(source.Path, filepath.FromSlash(name))); os.IsNotExist(err) {
			return true
		}
	}
	return false
}

// hasID reports whether git names a content so, as it is or with the line breaks that git may have turned into those of Windows.
func hasID(content []byte, id string) bool {
	return blobID(content, id) == id || blobID(bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n")), id) == id
}

// blobID is git's name for a content, in the kind of an id.
func blobID(content []byte, like string) string {
	sum := sha1.New() //nolint:gosec // It is what git names files by.
	if len(like) == hex.EncodedLen(sha256.Size) {
		sum = sha256.New()
	}
	_, _ = fmt.Fprintf(sum, "blob %d\x00", len(content))
	_, _ = sum.Write(content)
	return hex.EncodeToString(sum.Sum(nil))
}
