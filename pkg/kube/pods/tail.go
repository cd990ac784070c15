package pods

import (
	"strings"
	"unicode/utf8"
)

// TailLines is how many lines of a log are kept at most.
const TailLines = 20

// tailBytes is how many bytes of a log are kept at most.
const tailBytes = 4096

// Tail keeps the last lines, whole where they fit, as valid UTF-8 without a
// final line break.
func Tail(text string) string {
	text = strings.TrimRight(strings.ToValidUTF8(text, "\uFFFD"), "\r\n")
	lines := strings.Split(text, "\n")
	lines = lines[max(0, len(lines)-TailLines):]
	for len(lines) > 1 && length(lines) > tailBytes {
		lines = lines[1:]
	}
	text = strings.Join(lines, "\n")
	if len(text) <= tailBytes {
		return text
	}
	start := len(text) - tailBytes
	for !utf8.RuneStart(text[start]) {
		start++
	}
	return text[start:]
}

func length(lines []string) int {
	total := len(lines) - 1
	for _, line := range lines {
		total += len(line)
	}
	return total
}
