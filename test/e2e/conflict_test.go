package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// conflicted is what an admission webhook, or a server that is at work on the object, may answer to a deletion.
const conflicted = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Conflict","code":409,` +
	`"message":"Operation cannot be fulfilled on configmaps \"app\": it is in use"}`

// What the server refuses to delete, for whatever conflict, is still there: it is named, and stays on the record.
func TestAnObjectThatIsNotDeletedForAConflictIsNotGone(t *testing.T) {
	t.Parallel()
	b := &bench{session: newSession(t), home: t.TempDir()}
	pack := filepath.Join(b.home, "pack")
	for name, text := range map[string]string{
		"Pack.yaml":          "apiVersion: sherpack/v1\nkind: application\nmetadata: {name: pack, version: 1.0.0}\n",
		"templates/app.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app}\n",
	} {
		path := filepath.Join(pack, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.must(t, "install", pack)
	for _, test := range []struct {
		name   string
		dryToo bool
		phase  string
	}{{"when it is tried", true, "deployed"}, {"when it is done", false, "failed"}} {
		b.proxy.Intercept(func(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
			if request.Method != http.MethodDelete || !strings.HasSuffix(request.URL.Path, "/configmaps/app") || isTrial(t, request) && !test.dryToo {
				return upstream.RoundTrip(request)
			}
			return &http.Response{
				StatusCode: http.StatusConflict, Header: http.Header{"Content-Type": {"application/json"}},
				Body: io.NopCloser(strings.NewReader(conflicted)), Request: request,
			}, nil
		})
		code, said := b.command(t, "uninstall", "app")
		b.proxy.Intercept(nil)
		if code != 5 || !strings.Contains(said, "ConfigMap/"+b.namespace+"/app") || !strings.Contains(said, "it is in use") {
			t.Errorf("%s: exit code %d: %s", test.name, code, said)
		}
		b.kubectl(t, "get", "configmap", "app")
		if _, phase := b.command(t, "status", "app", "-o", "jsonpath={.status.phase}"); phase != test.phase {
			t.Errorf("%s: the release is %s", test.name, phase)
		}
	}
	b.must(t, "uninstall")
	if left := b.left(t); left != "nothing" {
		t.Errorf("%s is left", left)
	}
}

// isTrial reports whether a deletion is a dry-run. It puts the body back.
func isTrial(t *testing.T, request *http.Request) bool {
	t.Helper()
	body, err := io.ReadAll(request.Body)
	if err != nil {
		t.Error(err)
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	var options metav1.DeleteOptions
	return json.Unmarshal(body, &options) == nil && len(options.DryRun) > 0
}
