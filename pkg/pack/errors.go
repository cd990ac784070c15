package pack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// FileError says that a pack or a values file cannot be read, or that an archive cannot be trusted.
type FileError struct {
	// Path is the file as the user named it.
	Path string
	// Message says what was being done or what is wrong.
	Message string
	// Err is the cause, nil where Message says it all.
	Err error
}

// Error returns "path: message: cause".
func (e *FileError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %s", e.Path, e.Message)
	}
	return fmt.Sprintf("%s: %s: %v", e.Path, e.Message, e.Err)
}

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

// NewFileError is about a file that something was done with. It names the file once: the cause from package os names it again.
func NewFileError(doing, name string, err error) error {
	return &FileError{Path: name, Message: doing, Err: cause(err)}
}

// cause drops the path from an error of package os: the caller names it.
func cause(err error) error {
	var at *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &at):
		return at.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}

// Problem is one thing that is wrong with the contents of a pack or with values.
type Problem struct {
	// File is the file as the user named it, or the flag; empty where it is not known.
	File string
	// Line counts from 1, 0 where it is not known.
	Line int
	// Path is the key, as in image.repository, empty where the whole is meant.
	Path    string
	Message string
}

// String returns "file:line: path: message", without the parts that are not known.
func (p Problem) String() string {
	var parts []string
	switch {
	case p.File != "" && p.Line > 0:
		parts = append(parts, fmt.Sprintf("%s:%d", p.File, p.Line))
	case p.File != "":
		parts = append(parts, p.File)
	}
	if p.Path != "" {
		parts = append(parts, p.Path)
	}
	return strings.Join(append(parts, p.Message), ": ")
}

// InvalidError says that Pack.yaml, the schema or values are wrong, with everything that is.
type InvalidError struct {
	// Problems is never empty; it is in the order of the files and lines.
	Problems []Problem
	// Schema is the file that values do not match; empty where it is not about that.
	Schema string
}

// Error returns one line for each problem, below one about the schema.
func (e *InvalidError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, problem := range e.Problems {
		lines[i] = problem.String()
	}
	switch {
	case e.Schema == "":
		return strings.Join(lines, "\n")
	case len(lines) == 1:
		return fmt.Sprintf("values do not match %s: %s", e.Schema, lines[0])
	}
	return fmt.Sprintf("values do not match %s:\n  %s", e.Schema, strings.Join(lines, "\n  "))
}

// problems gathers what is wrong, so that all of it is told at once.
type problems []Problem

func (p *problems) add(found ...Problem) { *p = append(*p, found...) }

func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return &InvalidError{Problems: p}
}

// maxName is how many characters an error shows of a name that may be of any length.
const maxName = 100

func short(name string) string {
	if letters := []rune(name); len(letters) > maxName {
		return string(letters[:maxName]) + "…"
	}
	return name
}
