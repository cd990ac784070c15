package render

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
)

// bounded wraps a function so that what it is given and what it returns are weighed. Templates get an error instead
// of a program that is out of memory, or one that follows a value that contains itself for ever.
func (r *run) bounded(name string, function any) any {
	return failing(function, func(inner reflect.Value, args []reflect.Value) (result reflect.Value, err error) {
		if err := r.admit(name, args); err != nil {
			return result, err
		}
		if result, err = call(inner, args); err != nil {
			return result, err
		}
		return result, r.budget.make(sizeOfValue(result))
	})
}

// failing makes of a function one that also returns an error. do calls it, or does not; a result that is not valid is the zero one.
func failing(function any, do func(inner reflect.Value, args []reflect.Value) (reflect.Value, error)) any {
	inner := reflect.ValueOf(function)
	t := inner.Type()
	made := reflect.FuncOf(slices.Collect(t.Ins()), []reflect.Type{t.Out(0), reflect.TypeFor[error]()}, t.IsVariadic())
	return reflect.MakeFunc(made, func(args []reflect.Value) []reflect.Value {
		result, err := do(inner, args)
		if !result.IsValid() {
			result = reflect.Zero(t.Out(0))
		}
		return []reflect.Value{result, reflect.ValueOf(&err).Elem()}
	}).Interface()
}

// invoke calls a function that returns a value, or that and an error.
func invoke(function reflect.Value, args []reflect.Value) []reflect.Value {
	if function.Type().IsVariadic() {
		return function.CallSlice(args)
	}
	return function.Call(args)
}

func call(function reflect.Value, args []reflect.Value) (result reflect.Value, err error) {
	defer func() {
		// Some functions of sprig break down over what they cannot read.
		if broken := recover(); broken != nil {
			result, err = reflect.Zero(function.Type().Out(0)), withoutArgs(fmt.Errorf("%v", broken), args)
		}
	}()
	results := invoke(function, args)
	if len(results) > 1 {
		if err, failed := results[1].Interface().(error); failed {
			return results[0], withoutArgs(err, args)
		}
	}
	return results[0], checkResult(results[0])
}

// withoutArgs hides from the error of a function what it was given as text, which may be a secret. The engine's own errors
// are left as they are.
func withoutArgs(err error, args []reflect.Value) error {
	var located *Error
	var failed *failure
	if errors.As(err, &located) || errors.As(err, &failed) || errors.As(err, new(template.ExecError)) {
		return err
	}
	text := err.Error()
	for _, arg := range args {
		if arg.Kind() == reflect.Interface {
			arg = arg.Elem()
		}
		if arg.Kind() != reflect.String || len(arg.String()) < shortest {
			continue
		}
		quoted := strconv.Quote(arg.String())
		text = strings.ReplaceAll(strings.ReplaceAll(text, quoted[1:len(quoted)-1], "…"), arg.String(), "…")
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}

// shortest is how long a text must be, in bytes, to be hidden: shorter ones are parts of any text.
const shortest = 4

// admit says whether a function may be called with these arguments: it weighs those that it may write out.
func (r *run) admit(name string, args []reflect.Value) error {
	if err := r.budget.time(); err != nil {
		return err
	}
	name = plain(name)
	if err := checkWork(name, args); err != nil {
		return err
	}
	pieces, size := sizeOf(name, args)
	if pieces*size > maxValue {
		return tooLarge()
	}
	left := maxValue
	for _, arg := range written(name, args) {
		if err := weighInto(&left, arg.Interface(), 0); err != nil {
			return err
		}
	}
	if unpacks(name) {
		return r.budget.make((maxValue - left) * unpackedSize)
	}
	return nil
}

// written are the arguments that end up in the result of a function, as text or copied. Functions that only hand
// their arguments on, or look at what they are, need not pay for having them weighed.
func written(name string, args []reflect.Value) []reflect.Value {
	switch {
	case name == "dict":
		var keys []reflect.Value
		for i := 0; i < args[0].Len(); i += 2 {
			keys = append(keys, args[0].Index(i))
		}
		return keys
	case ruleOf(name) == uses, strings.Contains(name, "merge"):
		return args
	}
	return nil
}

func checkResult(made reflect.Value) error {
	if made.Kind() == reflect.Interface {
		made = made.Elem()
	}
	switch {
	case made.Kind() == reflect.String && made.Len() > maxValue:
		return tooLarge()
	case made.Kind() == reflect.Slice && made.Type().Elem().Kind() != reflect.Uint8 && made.Len() > maxItems:
		return failf("the list has more than %d items", maxItems)
	}
	return nil
}

// BoundedSprig returns the functions of sprig that can exhaust memory or time in one call, for templates that another engine
// executes: such calls are refused, with one budget for all of them. What they make otherwise is sprig's.
func BoundedSprig() template.FuncMap {
	r := &run{budget: newBudget(time.Now)}
	functions := template.FuncMap{}
	for name, function := range sprig.TxtFuncMap() {
		if exhausts(plain(name)) {
			functions[name] = r.guarded(plain(name), function)
		}
	}
	return functions
}

// exhausts reports whether the arguments of a function, named in lower case and without must, say how much it makes or how
// long it takes.
func exhausts(name string) bool {
	return strings.HasPrefix(name, "regex") || strings.HasPrefix(name, "semver") || slices.Contains([]string{
		"repeat", "indent", "nindent", "replace", "wrapwith", "split", "splitlist", "splitn", "until", "untilstep", "seq", "join", "uniq",
		"randalphanum", "randalpha", "randascii", "randnumeric", "randbytes",
	}, name)
}

// guarded wraps a function of that kind. Its errors are its own.
func (r *run) guarded(name string, function any) any {
	return failing(function, func(inner reflect.Value, args []reflect.Value) (result reflect.Value, err error) {
		if err := errors.Join(r.budget.time(), checkWork(name, args)); err != nil {
			return result, err
		}
		if pieces, size := sizeOf(name, args); pieces*size > maxValue {
			return result, tooLarge()
		}
		results := invoke(inner, args)
		if len(results) > 1 {
			// An error, or nil.
			err, _ = results[1].Interface().(error)
		}
		return results[0], err
	})
}
