package render

import (
	"math"
	"reflect"
	"strings"
)

// sizeOf tells how large the result of a function will be whose arguments say so, as a number of pieces and the size
// of each. Such a call is refused where checking the result would come too late. Other functions give 0, 0. The name is
// in lower case and without must.
func sizeOf(function string, args []reflect.Value) (pieces, size float64) {
	switch function {
	case "repeat":
		return number(args[0]), length(args[1])
	case "indent", "nindent":
		return 1 + count(args[1], "\n"), number(args[0])
	case "replace":
		return count(args[2], args[0].String()), length(args[1])
	case "wrapwith":
		return length(args[2]), length(args[1])
	case "regexreplaceall", "regexreplaceallliteral":
		return length(args[1]) + 1, length(args[2])
	case "regexfindall", "regexsplit":
		return length(args[1]), itemSize
	case "split", "splitlist":
		return 1 + count(args[1], args[0].String()), itemSize
	case "splitn":
		return 1 + count(args[2], args[0].String()), itemSize
	case "randalphanum", "randalpha", "randascii", "randnumeric", "randbytes":
		return number(args[0]), 1
	case "until":
		return math.Abs(number(args[0])), itemSize
	case "untilstep":
		return span(number(args[0]), number(args[1]), number(args[2])), itemSize
	case "seq":
		return sizeOfSeq(args[0])
	case "join":
		return items(args[1]), length(args[0])
	}
	return 0, 0
}

// itemSize is what an item of a list counts, so that a list has at most maxItems.
const itemSize = float64(maxValue / maxItems)

// sizeOfSeq knows that a seq of three has its step in the middle.
func sizeOfSeq(params reflect.Value) (pieces, size float64) {
	switch params.Len() {
	case 1:
		return math.Abs(number(params.Index(0))), itemSize
	case 2:
		return span(number(params.Index(0)), number(params.Index(1)), 1), itemSize
	case 3:
		return span(number(params.Index(0)), number(params.Index(2)), number(params.Index(1))), itemSize
	}
	return 0, 0
}

func span(start, stop, step float64) float64 { return math.Abs(stop-start) / max(math.Abs(step), 1) }

func number(arg reflect.Value) float64 { return float64(arg.Int()) }

func length(arg reflect.Value) float64 { return float64(arg.Len()) }

func count(arg reflect.Value, substring string) float64 {
	return float64(strings.Count(arg.String(), substring))
}

// items is the length of a list that comes as any value.
func items(arg reflect.Value) float64 {
	list := arg
	if list.Kind() == reflect.Interface {
		list = list.Elem()
	}
	if list.Kind() != reflect.Slice && list.Kind() != reflect.Array {
		return 1
	}
	return float64(list.Len())
}
