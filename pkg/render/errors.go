package render

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// Error is what is wrong with a template, and where.
type Error struct {
	// File is the path inside of the pack, as in templates/service.yaml.
	File string
	// Line counts from 1; it is 0 where it is not known.
	Line int
	// Expression is the action as it stands there, with its braces; empty where it is not known.
	Expression string
	Message    string
	// Hint says what may have been meant; it may be empty.
	Hint string
	// Via are the places that included the template, as file:line, the nearest first.
	Via []string
	// Err is the cause, nil where Message says it all.
	Err error
}

// Error returns "file:line: {{ expression }}: message; hint (included from …)".
func (e *Error) Error() string {
	text := e.where()
	if e.Expression != "" {
		text += e.Expression + ": "
	}
	text += e.Message
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	if len(e.Via) > 0 {
		text += " (included from " + strings.Join(e.Via, ", ") + ")"
	}
	return text
}

func (e *Error) where() string {
	switch {
	case e.File == "":
		return ""
	case e.Line == 0:
		return e.File + ": "
	}
	return fmt.Sprintf("%s:%d: ", e.File, e.Line)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// failure is an error of an expression that does not know where it stands.
type failure struct {
	message, hint string
	err           error
}

func (f *failure) Error() string {
	if f.hint == "" {
		return f.message
	}
	return f.message + "; " + f.hint
}

func (f *failure) Unwrap() error { return f.err }

func failf(format string, args ...any) *failure {
	return &failure{message: fmt.Sprintf(format, args...)}
}

// unknown says that there is no such thing, and which one is near.
func unknown(what, name string, known []string) *failure {
	return &failure{message: fmt.Sprintf("no such %s %s", what, name), hint: meant(words.Nearest(name, known))}
}

func meant(nearest string) string {
	if nearest == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %s?", nearest)
}

// tplFile stands for the text that tpl renders; no file of a pack has this name.
const tplFile = "text given to tpl"

// inTpl turns an error in the text given to tpl into one of the action that calls tpl.
func inTpl(e *Error) *failure {
	inner := *e
	inner.File = ""
	return &failure{message: fmt.Sprintf("in line %d of the %s: %s", e.Line, tplFile, inner.withoutHint()), hint: e.Hint, err: e.Err}
}

func (e *Error) withoutHint() string {
	plain := Error{Expression: e.Expression, Message: e.Message}
	return plain.Error()
}

// The form that text/template gives to its errors; it has no other way to tell the place.
var (
	execPattern  = regexp.MustCompile(`(?s)^template: (.*?):(\d+):(\d+): executing ".*?" at <.*?>: (.*)$`)
	parsePattern = regexp.MustCompile(`(?s)^template: (.*?):(\d+)(?::\d+)?: (.*)$`)
	callPattern  = regexp.MustCompile(`^error calling (\w+): `)
	// text/template shows what it cannot iterate over, which may be a secret.
	rangePattern = regexp.MustCompile(`(?s)^(range can't iterate over|can't use|if/with can't use) .*?( (?:to )?iterate over more than one variable)?$`)
)

// locate turns an error of text/template into an *Error, or into a *failure where it happened in the text given to
// tpl. An error that already has a place is told how it was come by.
func (r *run) locate(err error) error {
	var executing template.ExecError
	if !errors.As(err, &executing) {
		return err
	}
	match := execPattern.FindStringSubmatch(executing.Error())
	source := (*source)(nil)
	if match != nil {
		source = r.sources[match[1]]
	}
	if source == nil {
		return &failure{message: executing.Error(), err: err}
	}
	line, _ := strconv.Atoi(match[2])
	column, _ := strconv.Atoi(match[3])
	var located *Error
	if errors.As(err, &located) {
		if !source.isTpl {
			located.includedFrom(fmt.Sprintf("%s:%d", source.file, line))
		}
		return located
	}
	found := &Error{File: source.file, Line: line, Expression: source.expression(source.offset(line, column))}
	found.blame(err, match[4])
	if source.isTpl {
		return inTpl(found)
	}
	return found
}

// maxVia is how many places an error names that led to it.
const maxVia = 5

func (e *Error) includedFrom(place string) {
	if len(e.Via) < maxVia && !slices.Contains(e.Via, place) {
		e.Via = append(e.Via, place)
	}
}

// blame fills in what went wrong: what the failure says, else the text of the error.
func (e *Error) blame(err error, text string) {
	var failed *failure
	if errors.As(err, &failed) {
		e.Message, e.Hint, e.Err = failed.message, failed.hint, failed.err
		return
	}
	// A function of sprig that breaks down, as over a division by zero, is stopped by text/template.
	text = rangePattern.ReplaceAllString(text, "$1 this value$2")
	e.Message, e.Err = strings.Replace(callPattern.ReplaceAllString(text, "$1: "), "runtime error: ", "", 1), err
}
