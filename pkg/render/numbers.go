package render

import (
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

// kinds are the functions that ask what a value is. To Helm every number of a values file is a float64, and packs that were
// written for it ask for that: a whole number is one, too.
func kinds() template.FuncMap {
	functions, found := sprig.TxtFuncMap(), template.FuncMap{}
	for _, name := range []string{"kindIs", "typeIs", "typeIsLike"} {
		is, ok := functions[name].(func(string, any) bool)
		if !ok {
			continue
		}
		found[name] = func(target string, value any) bool {
			_, whole := value.(int64)
			return is(target, value) || whole && target == "float64"
		}
	}
	return found
}

// floatVerbs are the verbs of formats that floats have and whole numbers have not.
const floatVerbs = "eEfFgG"

// withFloats returns the arguments of a format in which whole numbers may be formatted as floats, too.
func withFloats(format string, args []any) []any {
	if !strings.ContainsAny(format, floatVerbs) {
		return args
	}
	args = slices.Clone(args)
	for i, arg := range args {
		if number, ok := arg.(int64); ok {
			args[i] = wholeNumber(number)
		}
	}
	return args
}

// wholeNumber is a whole number that can be formatted as what it is to Helm, as in printf "%.0f".
type wholeNumber int64

// Format implements fmt.Formatter.
func (n wholeNumber) Format(state fmt.State, verb rune) {
	var value any = int64(n)
	if strings.ContainsRune(floatVerbs, verb) {
		value = float64(n)
	}
	fmt.Fprintf(state, fmt.FormatString(state, verb), value)
}
