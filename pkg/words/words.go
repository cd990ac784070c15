// Package words puts names and numbers into messages.
package words

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Many is how many names a message lists at most.
const Many = 10

// List joins names and counts those beyond the first few.
func List(names []string, few int) string {
	text := strings.Join(names[:min(few, len(names))], ", ")
	if more := len(names) - few; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// Texts returns words of a type of their own as texts.
func Texts[T ~string](words []T) []string {
	texts := make([]string, len(words))
	for i, word := range words {
		texts[i] = string(word)
	}
	return texts
}

// Capital returns a text whose first letter is a capital one.
func Capital(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + text[size:]
}

// Count says how many there are of something that has a regular plural: 1 hook, 2 hooks.
func Count(number int, noun string) string {
	if number == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", number, noun)
}

// Join joins what is not empty.
func Join(separator string, parts ...string) string {
	var said []string
	for _, part := range parts {
		if part != "" {
			said = append(said, part)
		}
	}
	return strings.Join(said, separator)
}

// Sentence joins what is not empty by a colon and a space.
func Sentence(parts ...string) string {
	clauses := make([]string, len(parts))
	for i, part := range parts {
		clauses[i] = strings.TrimSpace(part)
	}
	return Join(": ", clauses...)
}

// Sentences joins what is not empty by a semicolon, without its full stop, and omits what an earlier one says already.
func Sentences(parts ...string) string {
	text := ""
	for _, part := range parts {
		part = strings.TrimSuffix(part, ".")
		switch {
		case text == "":
			text = part
		case !strings.Contains(text, part):
			text += "; " + part
		}
	}
	return text
}
