package e2e

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A release that is half Helm's is refused to all else, and what is refused changes nothing.
func TestAChangeOfHandsThatIsRefused(t *testing.T) {
	t.Parallel()
	t.Run("by the cluster", refusedByTheCluster)
	t.Run("because Helm is at work", refusedBecauseHelmIsAtWork)
	t.Run("because Helm has begun to work meanwhile", refusedBecauseHelmHasBegunMeanwhile)
	t.Run("because Helm has upgraded what was given to it", refusedBecauseHelmHasUpgraded)
}

func refusedByTheCluster(t *testing.T) {
	t.Parallel()
	b := newHelmBench(t, helmsWay{manager: "helm"})
	b.proxy.Intercept(forbidsWeb{dry: true}.intercept)
	code, out := b.command(t, handArgs("adopt")...)
	if code != 5 || !strings.Contains(out, "/deployments/web") || !strings.Contains(out, "/services/web") || !strings.Contains(out, "Nothing was changed.") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if b.revisions(t) != "none" || slices.Contains(b.managers(t), "sherpack Apply") {
		t.Errorf("there are revisions %s, managers %v", b.revisions(t), b.managers(t))
	}
	b.proxy.Intercept(forbidsWeb{}.intercept)
	if code, out := b.command(t, handArgs("adopt")...); code != 5 || !strings.Contains(out, "Run adopt again") {
		t.Errorf("exit code %d: %s", code, out)
	}
	b.proxy.Intercept(nil)
	for _, args := range [][]string{{"upgrade", "app", b.chart}, {"rollback", "app"}, {"uninstall", "app"}, {"test", "app"}, {"resume", "app"}} {
		if code, out := b.command(t, args...); code != 1 || !strings.Contains(out, "changes hands") || !strings.Contains(out, "adopt app --from-helm") {
			t.Errorf("%s: exit code %d: %s", args[0], code, out)
		}
	}
	b.hand(t, handArgs("handover")...)
	if b.helms(t) != "1 superseded 2 deployed" || !slices.Equal(onlyTools(b.managers(t)), []string{"helm Apply"}) {
		t.Errorf("Helm finds %s, managers are %v", b.helms(t), b.managers(t))
	}
}

// forbidsWeb forbids to change what is called web, also as a dry-run.
type forbidsWeb struct{ dry bool }

func (f forbidsWeb) intercept(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
	web := strings.HasSuffix(request.URL.Path, "/deployments/web") || strings.HasSuffix(request.URL.Path, "/services/web")
	if request.Method != http.MethodPatch || !web || request.URL.Query().Has("dryRun") && !f.dry {
		return upstream.RoundTrip(request)
	}
	body := `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"this is forbidden: ` + request.URL.Path + `","reason":"Forbidden","code":403}`
	return answer(request, http.StatusForbidden, body), nil
}

// A command of Helm's begins before the records are hidden, or had read them before that.
func refusedBecauseHelmHasBegunMeanwhile(t *testing.T) {
	t.Parallel()
	for title, first := range map[string]func(*http.Request) bool{
		"before": func(r *http.Request) bool {
			return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/secrets")
		},
		"after": func(r *http.Request) bool {
			return r.Method == http.MethodPatch && strings.HasSuffix(r.URL.Path, "/statefulsets/db")
		},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			b := newHelmBench(t, helmsWay{manager: "helm"})
			var begin sync.Once
			b.proxy.Intercept(func(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
				if first(request) && !request.URL.Query().Has("dryRun") {
					begin.Do(func() {
						b.record(t, map[string]any{"name": "app", "namespace": b.namespace, "version": 3, "info": map[string]any{"status": "pending-upgrade"}})
					})
				}
				return upstream.RoundTrip(request)
			})
			if code, out := b.command(t, handArgs("adopt")...); code != 5 || !strings.Contains(out, "revision 3") {
				t.Errorf("exit code %d: %s", code, out)
			}
			b.proxy.Intercept(nil)
			if code, out := b.command(t, handArgs("adopt")...); code != 1 || !strings.Contains(out, "revision 3 is pending-upgrade") {
				t.Errorf("exit code %d: %s", code, out)
			}
			b.hand(t, handArgs("handover")...)
			if b.helms(t) != "1 superseded 2 deployed 3 pending-upgrade" || !slices.Equal(onlyTools(b.managers(t)), []string{"helm Apply"}) {
				t.Errorf("Helm finds %s, managers are %v", b.helms(t), b.managers(t))
			}
		})
	}
}

// The handover ends before it drops the record here: the release is Helm's then, and so is what Helm makes of it.
func refusedBecauseHelmHasUpgraded(t *testing.T) {
	t.Parallel()
	b := newHelmBench(t, helmsWay{manager: "helm"})
	b.beforeHandover(t, "handover")
	b.handoverKeepsItsRecord(t)
	b.helm(t, "upgrade", "app", b.chart, "--set", "slim=false", "--no-hooks")
	if code, out := b.command(t, handArgs("adopt")...); code != 1 || !strings.Contains(out, "revision 3 is superseded") || !strings.Contains(out, "To begin anew") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if found := b.helms(t); found != "1 superseded 2 superseded 3 superseded 4 deployed" {
		t.Errorf("Helm finds %s", found)
	}
	b.hand(t, handArgs("handover")...)
	b.hand(t, handArgs("adopt")...)
	if b.helms(t) != "" || b.revisions(t) != "4 deployed" {
		t.Errorf("Helm finds %s, there are %s", b.helms(t), b.revisions(t))
	}
	if owner := b.kubectl(t, "get", "configmap", "extra", "-o", `jsonpath={.metadata.labels.sherpack\.io/release}`); owner != "app" {
		t.Errorf("what Helm has made belongs to %q", owner)
	}
}

func refusedBecauseHelmIsAtWork(t *testing.T) {
	t.Parallel()
	b := newHelmBench(t, helmsWay{manager: "helm"})
	if code, out := b.command(t, "upgrade", "app", b.chart); code != 1 || !strings.Contains(out, "adopt app --from-helm") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if code, out := b.command(t, "install", "app", b.chart); code != 5 || !strings.Contains(out, "adopt NAME --from-helm") {
		t.Errorf("exit code %d: %s", code, out)
	}
	out, err := b.onHost(t, "upgrade", "app", b.chart, "--install", "--take-ownership", "--dry-run=client").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "adopt app --from-helm") {
		t.Errorf("%v: %s", err, out)
	}
	b.record(t, map[string]any{"name": "app", "namespace": b.namespace, "version": 3, "info": map[string]any{"status": "pending-upgrade"}})
	if code, out := b.command(t, handArgs("adopt")...); code != 1 || !strings.Contains(out, "revision 3 is pending-upgrade") || !strings.Contains(out, "--force") {
		t.Errorf("exit code %d: %s", code, out)
	}
	b.hand(t, "adopt", "--all", "--from-helm", "--force")
	if b.revisions(t) != "3 deployed" {
		t.Errorf("there are %s", b.revisions(t))
	}
}
