package e2e

import (
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A command that waits for the lock plans anew with the kinds that there are by then.
func TestAKindThatComesWhileTheLockIsWaitedForIsKnown(t *testing.T) {
	t.Parallel()
	b := &bench{session: newSession(t), home: t.TempDir()}
	group := b.namespace + ".example"
	definition := filepath.Join(b.home, "definition.yaml")
	write(t, definition, `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.`+group+`}
spec:
  group: `+group+`
  names: {kind: Widget, plural: widgets}
  scope: Namespaced
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
`)
	t.Cleanup(func() { b.kubectl(t, "delete", "--ignore-not-found", "--wait=false", "-f", definition) })
	const config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app}\n---\n"
	slow := writePack(t, config+`apiVersion: batch/v1
kind: Job
metadata: {name: slow, annotations: {sherpack.io/hook: pre-install}}
spec:
  template:
    metadata: {annotations: {sim.sherpack.io/run-for: 5s}}
    spec: {restartPolicy: Never, containers: [{name: a, image: a}]}
`, "")
	widget := writePack(t, config+"apiVersion: "+group+"/v1\nkind: Widget\nmetadata: {name: w}\n", "")

	first, said := b.start(t, "install", "app", slow)
	said.await(t, "pre-install/slow: Running")
	planned, defined := make(chan struct{}), make(chan struct{})
	var once sync.Once
	b.proxy.Intercept(func(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
		if isLease(request) && request.Method == http.MethodPost {
			once.Do(func() { close(planned) })
			<-defined
		}
		return upstream.RoundTrip(request)
	})
	second, told := b.start(t, "upgrade", "app", widget, "--lock-timeout", "2m")
	<-planned
	b.kubectl(t, "apply", "-f", definition)
	b.kubectl(t, "wait", "--for=condition=Established", "--timeout=1m", "-f", definition)
	close(defined)
	if err := first.Wait(); err != nil {
		t.Errorf("install: %v: %s", err, said.all())
	}
	if err := second.Wait(); err != nil || !strings.Contains(told.all(), "widget."+group+"/w created") {
		t.Errorf("upgrade: %v: %s", err, told.all())
	}
}
