// Package terminal stands in for a terminal, so that tests see what a user would.
package terminal

import (
	"strconv"
	"strings"
)

// Terminal shows what is written to it as a terminal does, as far as a progress.Screen uses one. It is not safe for concurrent use.
type Terminal struct {
	// Width is how many columns it has.
	Width int
	// Rows are its lines, and Row and column where the cursor stands.
	Rows        []string
	Row, column int
	// Writes counts what was written.
	Writes int
}

// Write implements io.Writer.
func (v *Terminal) Write(text []byte) (int, error) {
	v.Writes++
	rest := string(text)
	for rest != "" {
		if sequence, found := strings.CutPrefix(rest, "\x1b["); found {
			end := strings.IndexFunc(sequence, func(r rune) bool { return r >= '@' })
			v.obey(sequence[:end], sequence[end])
			rest = sequence[end+1:]
			continue
		}
		r := []rune(rest)[0]
		rest = rest[len(string(r)):]
		switch r {
		case '\r':
			v.column = 0
		case '\n':
			v.Row, v.column = v.Row+1, 0
		default:
			v.put(r)
		}
	}
	return len(text), nil
}

func (v *Terminal) obey(argument string, sequence byte) {
	number, _ := strconv.Atoi(argument)
	switch sequence {
	case 'A':
		v.Row = max(0, v.Row-max(1, number))
	case 'J':
		v.line()
		v.Rows = v.Rows[:v.Row+1]
		v.Rows[v.Row] = string([]rune(v.Rows[v.Row])[:v.column])
	case 'K':
		v.Rows[v.Row] = string([]rune(v.line())[:v.column])
	case 'm':
	default:
		v.Rows[v.Row] = v.line() + "not obeyed: " + argument + string(sequence)
	}
}

func (v *Terminal) line() string {
	for len(v.Rows) <= v.Row {
		v.Rows = append(v.Rows, "")
	}
	v.Rows[v.Row] += strings.Repeat(" ", max(0, v.column-len([]rune(v.Rows[v.Row]))))
	return v.Rows[v.Row]
}

func (v *Terminal) put(r rune) {
	if v.column == v.Width {
		v.Row, v.column = v.Row+1, 0
	}
	line := []rune(v.line())
	line = append(line[:v.column:v.column], append([]rune{r}, line[min(len(line), v.column+1):]...)...)
	v.Rows[v.Row] = string(line)
	v.column++
}

// Shown is what stands on it, without what is blank at the end.
func (v *Terminal) Shown() string { return strings.TrimRight(strings.Join(v.Rows, "\n"), "\n ") }
