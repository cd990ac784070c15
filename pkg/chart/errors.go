package chart

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

// located is the beginning of a line in which Helm says where a template failed: file:line, and often a column.
var located = regexp.MustCompile(`^(?:template: |execution error at \(|parse error at \()?([^\s:()]+\.[^\s:()]+):(\d+)(?::\d+)?\)?:?\s*`)

const (
	// maxVia is how many places an error names that led to it.
	maxVia = 5
	// maxMessage is how many bytes of a message are told: Helm's has the whole text that was given to tpl.
	maxMessage = 4 << 10
)

// templateError reads where a template failed out of the message of Helm's engine. Of a chain of templates that include each
// other the last one failed, and the others are where it was included from. The chart lies in a folder of a pack; "" is none.
func templateError(folder string, err error) error {
	failed := &render.Error{Err: err}
	var rest, via []string
	// Where a function fails, Helm hands on the message of Go's engine, which has the whole chain in one line.
	for line := range strings.Lines(strings.ReplaceAll(err.Error(), ": template: ", ":\ntemplate: ")) {
		line = strings.TrimSpace(line)
		match := located.FindStringSubmatch(line)
		if match == nil {
			rest = append(rest, line)
			continue
		}
		if failed.File != "" {
			via = append(via, failed.File+":"+strconv.Itoa(failed.Line))
		}
		failed.File = path.Join(folder, match[1])
		failed.Line, _ = strconv.Atoi(match[2])
		rest = nil
		if after := line[len(match[0]):]; after != "" {
			rest = append(rest, after)
		}
	}
	failed.Via = nearest(via)
	failed.Message = strings.Join(rest, " ")
	if failed.Message == "" {
		failed.Message = err.Error()
	}
	if len(failed.Message) > maxMessage {
		failed.Message = strings.ToValidUTF8(failed.Message[:maxMessage], "") + "…"
	}
	return failed
}

// nearest are the last of the places that lead to an error, the nearest first, each once: a template may have included itself a
// thousand times.
func nearest(places []string) []string {
	var found []string
	for _, place := range slices.Backward(places) {
		if len(found) < maxVia && !slices.Contains(found, place) {
			found = append(found, place)
		}
	}
	return found
}
