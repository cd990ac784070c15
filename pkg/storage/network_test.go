package storage_test

import (
	"bytes"
	"io"
	"net/http"
	"path"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

// newStoreThrough returns a store whose requests go through a proxy.
func newStoreThrough(t *testing.T, between *proxy.Proxy, run string) *storage.Secrets {
	t.Helper()
	store, err := storage.NewSecrets(between.Config(), run)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// trouble is a network that loses the requests that lost picks, before or after the server has acted.
type trouble struct {
	lost func(method, name string) bool
	// acted says that the server carries a lost request out: only the answer is lost.
	acted bool
	// after is called between the server's act and the loss of the answer; nil does nothing.
	after func()
	// refused says that the client gets an answer all the same, which forbids what it asks for.
	refused bool

	mu sync.Mutex
	// seen are all requests that write, as "METHOD name", in order.
	seen []string
}

func (n *trouble) intercept(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
	name, err := nameOf(request)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	n.seen = append(n.seen, request.Method+" "+name)
	n.mu.Unlock()
	if !n.lost(request.Method, name) {
		return upstream.RoundTrip(request)
	}
	if n.acted {
		answer, err := upstream.RoundTrip(request)
		if err != nil {
			return nil, err
		}
		_ = answer.Body.Close()
	}
	if n.after != nil {
		n.after()
	}
	if n.refused {
		return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: http.NoBody, Request: request}, nil
	}
	return nil, proxy.ErrCut
}

// nameOf returns the name of the Secret that a request is about; what is created has it in the body.
func nameOf(request *http.Request) (string, error) {
	if request.Method != http.MethodPost {
		return path.Base(request.URL.Path), nil
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return "", err
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	object, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
	if err != nil {
		return "", err
	}
	named, err := meta.Accessor(object)
	if err != nil {
		return "", err
	}
	return named.GetName(), nil
}

// once picks the first request of a method for a name.
func once(method, name string) func(string, string) bool {
	var done bool
	return func(m, n string) bool {
		if done || m != method || n != name {
			return false
		}
		done = true
		return true
	}
}
