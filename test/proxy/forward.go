package proxy

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"
)

// handler returns what records a request and passes it on to target.
func (p *Proxy) handler(target *url.URL) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request, err := newRequest(r)
		record := p.add(request)
		defer p.update(func() { record.End = time.Now() })
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		forward := httputil.ReverseProxy{
			Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
			Transport: roundTripper(p.roundTrip),
			// What streams, like a watch, must not wait for more.
			FlushInterval: -1,
			// That a client ends a watch is no news.
			ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
			ModifyResponse: func(answer *http.Response) error {
				p.update(func() { record.Status = answer.StatusCode })
				return nil
			},
			ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
				p.fail(w, record, err)
			},
		}
		forward.ServeHTTP(w, r)
	})
}

// roundTripper makes of a function what a transport is.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip calls the function.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (p *Proxy) roundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	intercept := p.intercept
	p.mu.Unlock()
	if intercept == nil {
		return p.upstream.RoundTrip(r)
	}
	return intercept(r, p.upstream)
}

// fail answers a request that got no answer.
func (p *Proxy) fail(w http.ResponseWriter, record *Request, err error) {
	if errors.Is(err, ErrCut) {
		if connection, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = connection.Close()
		}
		return
	}
	p.update(func() { record.Status = http.StatusBadGateway })
	http.Error(w, err.Error(), http.StatusBadGateway)
}

func (p *Proxy) add(r Request) *Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, &r)
	return &r
}

func (p *Proxy) update(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}
