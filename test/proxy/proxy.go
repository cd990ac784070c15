// Package proxy stands between a client and an API server and keeps a record
// of the requests, so that a test can count them, and can lose them.
package proxy

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Proxy is an HTTP server on loopback that passes every request on to an API
// server. A request that brings no credentials of its own gets those of the
// configuration that the Proxy was started with.
type Proxy struct {
	url      string
	upstream http.RoundTripper

	mu        sync.Mutex
	requests  []*Request
	intercept Interceptor
}

// Interceptor answers a request in place of the API server, which it can reach
// through upstream: before it, after it, or never. ErrCut cuts the client's
// connection; any other error is answered as 502 Bad Gateway.
type Interceptor func(request *http.Request, upstream http.RoundTripper) (*http.Response, error)

// ErrCut is returned by an Interceptor to cut the client's connection without
// an answer.
var ErrCut = errors.New("connection cut by the test")

// Start starts a Proxy in front of the API server of config. It ends with the
// test, together with all its connections.
func Start(t testing.TB, config *rest.Config) *Proxy {
	t.Helper()
	target, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		t.Fatalf("find the API server: %v", err)
	}
	upstream, err := rest.TransportFor(config)
	if err != nil {
		t.Fatalf("make a transport to the API server: %v", err)
	}
	p := &Proxy{upstream: upstream}
	server := httptest.NewServer(p.handler(target))
	p.url = server.URL
	t.Cleanup(func() {
		// Watches would keep it open for ever.
		server.CloseClientConnections()
		server.Close()
	})
	return p
}

// Config returns a configuration for clients that go through the Proxy, without
// credentials and without throttling. It is the caller's to change.
func (p *Proxy) Config() *rest.Config { return &rest.Config{Host: p.url, QPS: -1} }

// Kubeconfig returns the path of a kubeconfig that leads through the Proxy. The
// file is removed with the test.
func (p *Proxy) Kubeconfig(t testing.TB) string {
	t.Helper()
	const name = "proxy"
	path := filepath.Join(t.TempDir(), "kubeconfig")
	config := clientcmdapi.Config{
		CurrentContext: name,
		Contexts:       map[string]*clientcmdapi.Context{name: {Cluster: name, AuthInfo: name}},
		Clusters:       map[string]*clientcmdapi.Cluster{name: {Server: p.url}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{name: {}},
	}
	if err := clientcmd.WriteToFile(config, path); err != nil {
		t.Fatalf("write a kubeconfig: %v", err)
	}
	return path
}

// Intercept has all requests from now on answered by f, or by the API server
// again if f is nil.
func (p *Proxy) Intercept(f Interceptor) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.intercept = f
}

// Requests returns a copy of the record: all requests so far, in the order in
// which they arrived.
func (p *Proxy) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]Request, len(p.requests))
	for i, r := range p.requests {
		all[i] = *r
	}
	return all
}

// Writes returns those of Requests that were meant to change something.
func (p *Proxy) Writes() []Request {
	return slices.DeleteFunc(p.Requests(), func(r Request) bool { return !r.Write() })
}

// Reset empties the record.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = nil
}
