package pack

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// IgnoreFile says what of a folder is no part of the pack, in the syntax of .gitignore. The one at the top of the pack counts;
// an archive that was made of the folder by other means is read as the folder is.
const IgnoreFile = ".sherpackignore"

// maxRules bounds what every name is compared with.
const maxRules = 1000

// ignore is what an IgnoreFile says. The zero value ignores nothing.
type ignore []ignoreRule

// ignoreRule is a line of it.
type ignoreRule struct {
	glob string
	// again takes in what an earlier rule ignores.
	again bool
	// foldersOnly spares files.
	foldersOnly bool
}

// parseIgnore reads the text of an IgnoreFile.
func parseIgnore(data []byte) (ignore, error) {
	var rules ignore
	number := 0
	for line := range bytes.Lines(text(data)) {
		number++
		pattern := trimmed(string(line))
		if pattern == "" || strings.HasPrefix(pattern, "#") {
			continue
		}
		rule := parseRule(pattern)
		if !doublestar.ValidatePattern(rule.glob) {
			return nil, fmt.Errorf("%s:%d: %s is not a valid pattern", IgnoreFile, number, short(pattern))
		}
		if rules = append(rules, rule); len(rules) > maxRules {
			return nil, fmt.Errorf("%s has more than %d patterns", IgnoreFile, maxRules)
		}
	}
	return rules, nil
}

// trimmed is a line without its end and the spaces before that, unless these are escaped.
func trimmed(line string) string {
	line = strings.TrimRight(line, "\r\n")
	bare := strings.TrimRight(line, " \t")
	if strings.HasSuffix(bare, `\`) && len(bare) < len(line) {
		bare += line[len(bare) : len(bare)+1]
	}
	return bare
}

// parseRule translates a pattern of git's into a glob. What has no slash, but for one at its end, is looked for in every folder.
func parseRule(pattern string) ignoreRule {
	var rule ignoreRule
	pattern, rule.again = strings.CutPrefix(pattern, "!")
	pattern, rule.foldersOnly = strings.CutSuffix(pattern, "/")
	if !strings.Contains(pattern, "/") {
		pattern = "**/" + pattern
	}
	if strings.HasSuffix(pattern, "/**") {
		// Git means what is in the folder, not the folder.
		pattern += "/*"
	}
	// To git braces are letters.
	rule.glob = strings.NewReplacer(`\\`, `\\`, `\{`, `\{`, `\}`, `\}`, "{", `\{`, "}", `\}`).Replace(strings.TrimPrefix(pattern, "/"))
	return rule
}

// excludes reports whether a file is no part of the pack: it, or a folder that it is in, is ignored. What is in an ignored
// folder cannot be taken in again. The rules themselves are part of the pack always, so that it is read the same again.
func (i ignore) excludes(name string) bool {
	if name == IgnoreFile {
		return false
	}
	for end := range len(name) {
		if name[end] == '/' && i.matches(name[:end], true) {
			return true
		}
	}
	return i.matches(name, false)
}

// matches reports whether the last rule that a file or folder itself matches ignores it.
func (i ignore) matches(name string, isFolder bool) bool {
	ignored := false
	for _, rule := range i {
		if rule.again == ignored && (isFolder || !rule.foldersOnly) && doublestar.MatchUnvalidated(rule.glob, name) {
			ignored = !rule.again
		}
	}
	return ignored
}
