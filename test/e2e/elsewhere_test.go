package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

// elsewhere returns a bench in the same namespace whose commands look as if they were on another machine.
func (b *bench) elsewhere(t *testing.T) *bench {
	t.Helper()
	moved := *b.session
	moved.proxy = proxy.Start(t, clustertest.Config(t))
	moved.kubeconfig = moved.proxy.Kubeconfig(t)
	moved.proxy.Intercept(func(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
		if err := moveElsewhere(request); err != nil {
			return nil, err
		}
		return upstream.RoundTrip(request)
	})
	return &bench{session: &moved, home: t.TempDir()}
}

// moveElsewhere changes a request that writes a lease, so that its holder is on another host and in another boot. Its process
// has a number that none has here.
func moveElsewhere(request *http.Request) error {
	if !isLease(request) || request.Method != http.MethodPost && request.Method != http.MethodPut {
		return nil
	}
	body, err := taken(request)
	if err != nil {
		return err
	}
	object, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
	if err != nil {
		return err
	}
	lease, ok := object.(*coordinationv1.Lease)
	if !ok {
		return fmt.Errorf("a lease is written as a %T", object)
	}
	var holder map[string]any
	if err := json.Unmarshal([]byte(lease.Annotations["sherpack.io/holder"]), &holder); err != nil {
		return err
	}
	const never = 1 << 30
	holder["host"], holder["machine"], holder["pid"] = "elsewhere", "another boot", never
	changed, err := json.Marshal(holder)
	if err != nil {
		return err
	}
	lease.Annotations["sherpack.io/holder"] = string(changed)
	if body, err = json.Marshal(lease); err != nil {
		return err
	}
	// It may have been in a form of the server's own.
	request.Header.Set("Content-Type", "application/json")
	give(request, body)
	return nil
}

func isLease(request *http.Request) bool { return strings.Contains(request.URL.Path, "/leases") }

// taken reads the body of a request, which keeps it.
func taken(request *http.Request) ([]byte, error) {
	if request.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(request.Body)
	give(request, body)
	return body, err
}

// give gives a request a body.
func give(request *http.Request, body []byte) {
	request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	request.Header.Set("Content-Length", strconv.Itoa(len(body)))
}
