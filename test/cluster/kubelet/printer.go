package kubelet

import (
	"io"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// timestampFormat is that of a kubelet: nine digits, so that lines align.
const timestampFormat = "2006-01-02T15:04:05.000000000Z07:00"

// printer writes lines to a response as its options ask for.
type printer struct {
	response http.ResponseWriter
	options  corev1.PodLogOptions
}

func newPrinter(w http.ResponseWriter, options corev1.PodLogOptions) *printer {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	return &printer{response: w, options: options}
}

// history writes what was printed before the request: the part of it that is
// new enough, and of that the last lines. It reports whether more may follow.
func (p *printer) history(lines []line) bool {
	from := since(p.options, time.Now())
	for len(lines) > 0 && lines[0].at.Before(from) {
		lines = lines[1:]
	}
	if tail := p.options.TailLines; tail != nil && int64(len(lines)) > *tail {
		lines = lines[int64(len(lines))-*tail:]
	}
	// The reader learns that the container was found even if it prints nothing yet.
	p.flush()
	for _, l := range lines {
		if !p.line(l) {
			return false
		}
	}
	return true
}

// line writes one line and reports whether more may follow.
func (p *printer) line(l line) bool {
	text := l.text + "\n"
	if p.options.Timestamps {
		text = l.at.UTC().Format(timestampFormat) + " " + text
	}
	if limit := p.options.LimitBytes; limit != nil {
		text = text[:min(int64(len(text)), *limit)]
		*limit -= int64(len(text))
	}
	if _, err := io.WriteString(p.response, text); err != nil {
		return false
	}
	p.flush()
	return p.options.LimitBytes == nil || *p.options.LimitBytes > 0
}

func (p *printer) flush() {
	_ = http.NewResponseController(p.response).Flush()
}
