package chart

import (
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

// located is the beginning of a line in which Helm says where a template failed: file:line, and often a column.
var located = regexp.MustCompile(`^(?:template: |execution error at \(|parse error at \()?([^\s:()]+\.[^\s:()]+):(\d+)(?::\d+)?\)?:?\s*`)

// templateError reads where a template failed out of the message of Helm's engine. Of a chain of templates that include each
// other the last one failed, and the others are where it was included from. The chart lies in a folder of a pack; "" is none.
func templateError(folder string, err error) error {
	failed := &render.Error{Err: err}
	var rest []string
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSpace(line)
		match := located.FindStringSubmatch(line)
		if match == nil {
			rest = append(rest, line)
			continue
		}
		if failed.File != "" {
			failed.Via = append([]string{failed.File + ":" + strconv.Itoa(failed.Line)}, failed.Via...)
		}
		failed.File = path.Join(folder, match[1])
		failed.Line, _ = strconv.Atoi(match[2])
		rest = nil
		if after := line[len(match[0]):]; after != "" {
			rest = append(rest, after)
		}
	}
	failed.Message = strings.Join(rest, " ")
	if failed.Message == "" {
		failed.Message = err.Error()
	}
	return failed
}
