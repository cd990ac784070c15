// Package printers turns releases and events into what kubectl's users expect to see. Nothing in it reaches a cluster.
package printers

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/duration"
)

// Clean makes a text from a cluster safe to print: control characters, which a terminal would obey, and those that change
// the direction of writing, which make a text look like another, are shown as the replacement character. Tabs stay, and so
// do line breaks, those of Windows as plain ones.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		if obeyed(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ReplaceAll(text, "\r\n", "\n"))
}

// obeyed reports whether a terminal does something for a character instead of showing it.
func obeyed(r rune) bool { return unicode.IsControl(r) || turns(r) }

// turns reports whether a character changes the direction of writing.
func turns(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }

// Escape makes JSON safe to print: what Clean replaces is escaped, so that it still means the same.
func Escape(json []byte) []byte {
	var escaped bytes.Buffer
	for _, r := range string(json) {
		if obeyed(r) && r != '\n' {
			fmt.Fprintf(&escaped, `\u%04x`, r)
		} else {
			escaped.WriteRune(r)
		}
	}
	return escaped.Bytes()
}

// CleanWriter is a Writer that cleans all that is written through it. No character may be split between two writes.
type CleanWriter struct{ io.Writer }

// Write implements io.Writer.
func (w CleanWriter) Write(text []byte) (int, error) {
	if _, err := io.WriteString(w.Writer, Clean(string(text))); err != nil {
		return 0, err
	}
	return len(text), nil
}

// Line makes of a text one line that is safe to print. Tabs and line breaks, which would break a table or pass for
// another line of it, become spaces.
func Line(text string) string {
	return strings.NewReplacer("\t", " ", "\n", " ").Replace(Clean(text))
}

// indented makes a text safe to print below something: every line of it begins with that prefix.
func indented(prefix, text string) string {
	return prefix + strings.ReplaceAll(Clean(strings.TrimRight(text, "\n")), "\n", "\n"+prefix) + "\n"
}

// Named names an object as kubectl does, and where it is, unless that is the namespace of the release or no namespace:
// deployment.apps/web, or deployment.apps/coredns in namespace kube-system.
func Named(ref corev1.ObjectReference, home string) string {
	name := strings.ToLower(ref.Kind)
	if group := ref.GroupVersionKind().Group; group != "" {
		name += "." + group
	}
	name += "/" + ref.Name
	if ref.Namespace != "" && ref.Namespace != home {
		name += " in namespace " + ref.Namespace
	}
	return name
}

// age is the time since then as kubectl shows it: 5s, 3m12s, 2d.
func age(then, now time.Time) string {
	return duration.HumanDuration(now.Sub(then))
}
