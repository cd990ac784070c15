package render

import (
	"reflect"
	"strconv"
	"strings"
	"text/template"
	"time"
)

// durations are the functions that Helm adds for spans of time, which come as "90s", as a number of seconds, or as
// what mustToDuration returns. As there, all but that give 0 for what is none.
func durations() template.FuncMap {
	return template.FuncMap{
		"mustToDuration":       duration,
		"durationSeconds":      func(v any) float64 { return orZero(v).Seconds() },
		"durationMilliseconds": func(v any) int64 { return orZero(v).Milliseconds() },
		"durationMicroseconds": func(v any) int64 { return orZero(v).Microseconds() },
		"durationNanoseconds":  func(v any) int64 { return orZero(v).Nanoseconds() },
		"durationMinutes":      func(v any) float64 { return orZero(v).Minutes() },
		"durationHours":        func(v any) float64 { return orZero(v).Hours() },
		"durationDays":         func(v any) float64 { return orZero(v).Hours() / 24 },
		"durationWeeks":        func(v any) float64 { return orZero(v).Hours() / 24 / 7 },
		"durationRoundTo":      func(v, to any) time.Duration { return orZero(v).Round(orZero(to)) },
		"durationTruncateTo":   func(v, to any) time.Duration { return orZero(v).Truncate(orZero(to)) },
	}
}

func orZero(value any) time.Duration {
	span, err := duration(value)
	if err != nil {
		return 0
	}
	return span
}

func duration(value any) (time.Duration, error) {
	if span, ok := value.(time.Duration); ok {
		return span, nil
	}
	if text, ok := value.(string); ok {
		text = strings.TrimSpace(text)
		if span, err := time.ParseDuration(text); err == nil {
			return span, nil
		}
		seconds, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return 0, failf("the text is no duration such as 90s")
		}
		value = seconds
	}
	number := reflect.ValueOf(value)
	if !isNumber(number) {
		return 0, failf("%s is no duration", describe(value))
	}
	nanoseconds := float(number) * float64(time.Second)
	if !(nanoseconds > -1<<63 && nanoseconds < 1<<63) {
		return 0, failf("a duration of %v seconds is too long", value)
	}
	return time.Duration(nanoseconds), nil
}
