package render

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// source is a text that templates were parsed from.
type source struct {
	file, text string
	// isTpl is set for a text given to tpl, which is no file.
	isTpl bool
	// starts are the offsets at which lines begin.
	starts []int
}

func newSource(file, text string) *source {
	s := &source{file: file, text: text, starts: []int{0}}
	for i := range len(text) {
		if text[i] == '\n' {
			s.starts = append(s.starts, i+1)
		}
	}
	return s
}

// line returns the line that an offset is on, counted from 1.
func (s *source) line(offset int) int {
	at, found := slices.BinarySearch(s.starts, offset)
	if found {
		return at + 1
	}
	return at
}

// offset returns where a line and column are; lines count from 1, columns from 0.
func (s *source) offset(line, column int) int {
	if line > len(s.starts) {
		return len(s.text)
	}
	return min(s.starts[max(line, 1)-1]+column, len(s.text))
}

// maxExpression is how much of an action an error shows.
const maxExpression = 120

// expression returns the action around an offset as {{ … }}, on one line and without trim marks; "" where there is
// none.
func (s *source) expression(offset int) string {
	start := strings.LastIndex(s.text[:min(offset+2, len(s.text))], "{{")
	if start < 0 {
		return ""
	}
	inside := s.text[start+2 : start+2+actionLength(s.text[start+2:])]
	inside = strings.TrimSuffix(strings.TrimPrefix(inside, "- "), " -")
	words := []rune(strings.Join(strings.Fields(inside), " "))
	if len(words) > maxExpression {
		words = append(words[:maxExpression], '…')
	}
	return fmt.Sprintf("{{ %s }}", string(words))
}

// actionLength returns how far it is to the braces that end an action; quotes may hold braces of their own.
func actionLength(text string) int {
	var quote byte
	for i := range len(text) {
		switch at := text[i]; {
		case quote != 0:
			escaped := quote != '`' && i > 0 && text[i-1] == '\\'
			if at == quote && !escaped {
				quote = 0
			}
		case at == '"' || at == '`' || at == '\'':
			quote = at
		case strings.HasPrefix(text[i:], "}}"):
			return i
		}
	}
	return len(text)
}

// parseError words an error of the parser.
func (s *source) parseError(err error) *Error {
	match := parsePattern.FindStringSubmatch(err.Error())
	if match == nil {
		return &Error{File: s.file, Message: err.Error(), Err: err}
	}
	line, _ := strconv.Atoi(match[2])
	start, end := s.offset(line, 0), s.offset(line+1, 0)
	found := &Error{File: s.file, Line: line, Message: match[3], Err: err}
	if action := strings.Index(s.text[start:end], "{{"); action >= 0 {
		found.Expression = s.expression(start + action)
	}
	return found
}
