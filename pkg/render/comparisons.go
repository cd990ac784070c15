package render

import (
	"cmp"
	"reflect"
	"text/template"
)

// comparisons replace those of text/template, which refuse to compare 1 with 1.0. YAML does not tell them apart.
func comparisons() template.FuncMap {
	return template.FuncMap{
		"eq": equalsAny,
		"ne": func(a, b any) (bool, error) { equal, err := equals(a, b); return !equal, err },
		"lt": func(a, b any) (bool, error) { order, err := compare(a, b); return order < 0, err },
		"le": func(a, b any) (bool, error) { order, err := compare(a, b); return order <= 0, err },
		"gt": func(a, b any) (bool, error) { order, err := compare(a, b); return order > 0, err },
		"ge": func(a, b any) (bool, error) { order, err := compare(a, b); return order >= 0, err },
	}
}

// equalsAny says whether the first argument equals any of the others.
func equalsAny(first any, others ...any) (bool, error) {
	if len(others) == 0 {
		return false, failf("eq needs two values or more")
	}
	for _, other := range others {
		if equal, err := equals(first, other); equal || err != nil {
			return equal, err
		}
	}
	return false, nil
}

// equals compares numbers, strings and booleans with their like. An undefined value equals only another.
func equals(a, b any) (bool, error) {
	if a == nil || b == nil {
		return a == nil && b == nil, nil
	}
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	if x.Kind() == reflect.Bool && y.Kind() == reflect.Bool {
		return x.Bool() == y.Bool(), nil
	}
	if x.Type() == y.Type() && x.Comparable() {
		return a == b, nil
	}
	order, err := compare(a, b)
	return order == 0, err
}

// compare orders two numbers or two strings.
func compare(a, b any) (int, error) {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	switch {
	case x.CanInt() && y.CanInt():
		return cmp.Compare(x.Int(), y.Int()), nil
	case isNumber(x) && isNumber(y):
		return cmp.Compare(float(x), float(y)), nil
	case x.Kind() == reflect.String && y.Kind() == reflect.String:
		return cmp.Compare(x.String(), y.String()), nil
	}
	return 0, failf("cannot compare %s with %s", describe(a), describe(b))
}

func isNumber(v reflect.Value) bool { return v.CanInt() || v.CanUint() || v.CanFloat() }

func float(v reflect.Value) float64 { return v.Convert(reflect.TypeFor[float64]()).Float() }
