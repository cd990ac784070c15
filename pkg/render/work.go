package render

import (
	"reflect"
	"regexp/syntax"
	"strings"
)

// The bounds of one call of a function that takes more time, or more memory in between, than its result shows.
const (
	maxCompared  = 10_000   // items of a list each of which is compared with all others
	maxDecoded   = 4 << 20  // bytes of a text that is decoded
	maxPattern   = 64 << 10 // bytes of a regular expression
	maxWildcards = 8        // in a pattern for the names of files
	maxMatching  = 1 << 29  // bytes of a text that is matched, times the steps of the pattern
)

// checkWork refuses a call that would take too long. The name is in lower case and without must.
func checkWork(function string, args []reflect.Value) error {
	switch {
	case function == "uniq" && items(args[0]) > maxCompared:
		return failf("the list has more than %d items to be compared with each other", maxCompared)
	case strings.HasPrefix(function, "from") && length(args[0]) > maxDecoded:
		return failf("the text to be decoded is larger than %d MiB", maxDecoded>>20)
	case function == "fromtoml" && nesting(args[0].String()) > maxDepth:
		return failf("the text to be decoded is nested more than %d deep", maxDepth)
	case strings.HasPrefix(function, "semver") && length(args[0]) > maxPattern:
		return failf("the version is longer than %d KiB", maxPattern>>10)
	case strings.HasPrefix(function, "regex") && function != "regexquotemeta":
		return checkMatching(args[0].String(), length(args[1]))
	}
	return nil
}

// nesting is how deep the values of a TOML text stand inside of each other at most, and often less. The decoders of YAML
// and JSON have a bound of their own, that of TOML has none.
func nesting(text string) int {
	open, dots, deepest := 0, 0, 0
	for _, letter := range []byte(text) {
		switch letter {
		case '[', '{':
			open++
		case ']', '}':
			open = max(0, open-1)
		case '.':
			dots++
		case '\n':
			dots = 0
		}
		deepest = max(deepest, open, dots)
	}
	return deepest
}

// checkMatching refuses a regular expression whose matching would take too long. What is wrong with one that cannot be
// parsed is for the function to say.
func checkMatching(pattern string, text float64) error {
	if len(pattern) > maxPattern {
		return failf("the regular expression is longer than %d KiB", maxPattern>>10)
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err == nil && float64(len(program.Inst))*text > maxMatching {
		return failf("the text is too large for a regular expression of this size")
	}
	return nil
}

// unpacks says whether a function makes of a value or text a copy that is larger than what it is made from.
func unpacks(function string) bool {
	return strings.HasPrefix(function, "from") || function == "deepcopy" || strings.HasPrefix(function, "merge")
}

// unpackedSize is what a byte, or an item, of such a value counts.
const unpackedSize = 16

// sizeOfValue is what a value that a function has made takes, without what its items take.
func sizeOfValue(made reflect.Value) int {
	if made.Kind() == reflect.Interface {
		made = made.Elem()
	}
	switch made.Kind() {
	case reflect.String:
		return made.Len()
	case reflect.Slice, reflect.Map:
		return made.Len() * int(itemSize)
	}
	return 0
}

// plain is the name of a function in lower case and without must, as sprig has many of them twice.
func plain(name string) string { return strings.TrimPrefix(strings.ToLower(name), "must") }
