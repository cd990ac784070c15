package kubelet

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// parseOptions reads the query parameters that an API server sends with a
// request for logs. Unknown ones are ignored, as a kubelet does.
func parseOptions(query url.Values) (corev1.PodLogOptions, error) {
	p := parser{query: query}
	options := corev1.PodLogOptions{
		Follow:       p.flag("follow"),
		Previous:     p.flag("previous"),
		Timestamps:   p.flag("timestamps"),
		TailLines:    p.count("tailLines"),
		LimitBytes:   p.count("limitBytes"),
		SinceSeconds: p.count("sinceSeconds"),
		SinceTime:    p.time("sinceTime"),
	}
	return options, p.err
}

// since returns the time from which on lines are wanted, zero for all.
func since(options corev1.PodLogOptions, now time.Time) time.Time {
	switch {
	case options.SinceSeconds != nil:
		return now.Add(-time.Duration(*options.SinceSeconds) * time.Second)
	case options.SinceTime != nil:
		return options.SinceTime.Time
	}
	return time.Time{}
}

// parser keeps the first error, so that options read one after another.
type parser struct {
	query url.Values
	err   error
}

func (p *parser) flag(name string) bool {
	return parse(p, name, strconv.ParseBool)
}

func (p *parser) count(name string) *int64 {
	if p.query.Get(name) == "" {
		return nil
	}
	n := parse(p, name, func(s string) (uint64, error) { return strconv.ParseUint(s, 10, 63) })
	return new(int64(n))
}

func (p *parser) time(name string) *metav1.Time {
	if p.query.Get(name) == "" {
		return nil
	}
	return &metav1.Time{Time: parse(p, name, func(s string) (time.Time, error) { return time.Parse(time.RFC3339, s) })}
}

func parse[T any](p *parser, name string, read func(string) (T, error)) (value T) {
	text := p.query.Get(name)
	if text == "" || p.err != nil {
		return value
	}
	value, err := read(text)
	if err != nil {
		p.err = fmt.Errorf("read %s: %w", name, err)
	}
	return value
}
