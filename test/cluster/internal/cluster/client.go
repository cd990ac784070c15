package cluster

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// client makes the few requests a launcher needs, as the cluster's admin.
type client struct {
	server string
	token  string
	http   *http.Client
}

// tree is any JSON object.
type tree map[string]any

func newClient(d dir, server string) (client, error) {
	token, err := os.ReadFile(d.file("admin.token"))
	if err != nil {
		return client{}, err
	}
	ca, err := os.ReadFile(d.file("ca.crt"))
	if err != nil {
		return client{}, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}
	return client{server: server, token: string(token), http: &http.Client{Transport: transport, Timeout: 5 * time.Second}}, nil
}

func (c client) get(ctx context.Context, path string, answer any) error {
	return c.do(ctx, http.MethodGet, path, nil, answer)
}

// create posts an object; that it exists already is no error.
func (c client) create(ctx context.Context, path string, object tree) error {
	err := c.do(ctx, http.MethodPost, path, object, nil)
	if status := (statusError{}); errors.As(err, &status) && status.code == http.StatusConflict {
		return nil
	}
	return err
}

func (c client) delete(ctx context.Context, path string) error {
	return c.do(ctx, http.MethodDelete, path, nil, nil)
}

// do makes one request and decodes a JSON answer into answer, unless that is nil.
func (c client) do(ctx context.Context, method, path string, body tree, answer any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode the body of %s %s: %w", method, path, err)
	}
	if body == nil {
		content = nil
	}
	request, err := http.NewRequestWithContext(ctx, method, c.server+path, bytes.NewReader(content))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "sherpack-cluster")
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		return statusError{code: response.StatusCode, text: strings.TrimSpace(string(text))}
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}

// statusError is an answer that is not the one hoped for.
type statusError struct {
	code int
	text string
}

func (e statusError) Error() string {
	return fmt.Sprintf("the API server answers %d: %s", e.code, e.text)
}
