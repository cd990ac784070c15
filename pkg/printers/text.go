// Package printers turns releases and events into what kubectl's users expect to see. Nothing in it reaches a cluster.
package printers

import (
	"strings"
	"time"
	"unicode"

	"k8s.io/apimachinery/pkg/util/duration"
)

// Clean makes a text from a cluster safe to print: control characters, which a terminal would obey, are shown as the
// replacement character. Tabs stay, and so do line breaks.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// line makes of a text one line that is safe to print. Tabs and line breaks, which would break a table or pass for
// another line of it, become spaces.
func line(text string) string {
	return strings.NewReplacer("\t", " ", "\n", " ").Replace(Clean(text))
}

// indented makes a text safe to print below something: every line of it begins with that prefix.
func indented(prefix, text string) string {
	return prefix + strings.ReplaceAll(Clean(strings.TrimRight(text, "\n")), "\n", "\n"+prefix) + "\n"
}

// age is the time since then as kubectl shows it: 5s, 3m12s, 2d.
func age(then, now time.Time) string {
	return duration.HumanDuration(now.Sub(then))
}

// seconds shows a duration with a tenth of a second, a shorter one with two digits.
func seconds(milliseconds int64) string {
	elapsed := time.Duration(milliseconds) * time.Millisecond
	if elapsed < time.Second {
		return elapsed.Round(10 * time.Millisecond).String()
	}
	return elapsed.Round(100 * time.Millisecond).String()
}
