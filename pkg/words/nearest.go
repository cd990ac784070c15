package words

import (
	"fmt"
	"slices"
	"strings"
)

// The bounds of what is compared: the time grows with the product of all three.
const (
	maxWord       = 100
	maxCandidates = 10_000
)

// Nearest returns the candidate that word was most likely meant to be, or "" where none is near. Case does not
// count, and of equally near ones the first in the alphabet is returned.
//
// Nobody mistypes a word of more than 100 letters, or wants to wait for the nearest of more than 10,000: none is near then.
func Nearest(word string, candidates []string) string {
	if len(word) > maxWord || len(candidates) > maxCandidates {
		return ""
	}
	word = strings.ToLower(word)
	allowed := 1 + max(len(word)-1, 0)/4
	best, nearest := allowed+1, ""
	for _, candidate := range slices.Sorted(slices.Values(candidates)) {
		if len(candidate) > maxWord {
			continue
		}
		lower := strings.ToLower(candidate)
		distance := distance(word, lower)
		if len(word) > 2 && (strings.HasPrefix(lower, word) || strings.HasPrefix(word, lower) && len(lower) > 2) {
			distance = min(distance, allowed)
		}
		if distance < best {
			best, nearest = distance, candidate
		}
	}
	return nearest
}

// Suggestion ends a message about an unknown word: "; did you mean …?", or "" where none of the known words is near.
func Suggestion[T ~string](word string, known []T) string {
	if nearest := Nearest(word, Texts(known)); nearest != "" {
		return fmt.Sprintf("; did you mean %s?", nearest)
	}
	return ""
}

// distance counts the letters to insert, delete, replace or swap with their neighbour to get from a to b.
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			replace := last[j]
			if a[i] != b[j] {
				replace++
			}
			row[j+1] = min(replace, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
