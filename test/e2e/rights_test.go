package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

const rightsPack = "testdata/packs/rights"

// documented are the rules of a Role as docs/rbac.md has it.
func documented(t *testing.T, name string) []rbacv1.PolicyRule {
	t.Helper()
	text, err := os.ReadFile("../../docs/rbac.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, example := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		role := rbacv1.Role{}
		if err := yaml.UnmarshalStrict([]byte(example[1]), &role); err != nil {
			t.Fatal(err)
		}
		if role.Kind == "Role" && role.Name == name {
			return role.Rules
		}
	}
	t.Fatalf("there is no Role %s", name)
	return nil
}

func needed(t *testing.T) []rbacv1.PolicyRule {
	t.Helper()
	return documented(t, "deployer")
}

func everything(t *testing.T) []rbacv1.PolicyRule {
	t.Helper()
	return append(needed(t), documented(t, "deployer-optional")...)
}

// right is one verb on one resource.
type right struct {
	verb     string
	resource schema.GroupResource
}

func (r right) String() string { return r.verb + " " + r.resource.String() }

// rightsIn are the rights that rules give, one by one.
func rightsIn(rules []rbacv1.PolicyRule) []right {
	var rights []right
	for _, rule := range rules {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				rights = append(rights, right{verb, schema.GroupResource{Group: rule.APIGroups[0], Resource: resource}})
			}
		}
	}
	return rights
}

// without are rules that give all rights of others but some.
func without(rules []rbacv1.PolicyRule, dropped func(right) bool) []rbacv1.PolicyRule {
	var left []rbacv1.PolicyRule
	for _, right := range rightsIn(rules) {
		if !dropped(right) {
			left = append(left, rbacv1.PolicyRule{
				APIGroups: []string{right.resource.Group}, Resources: []string{right.resource.Resource}, Verbs: []string{right.verb},
			})
		}
	}
	return left
}

// deployer is a user who has some rights in a namespace and none besides.
type deployer struct {
	*session
	user, home string
	// missed are the rights that warnings of the last command have named, sorted.
	missed []string
}

func newDeployer(t *testing.T, rules []rbacv1.PolicyRule) *deployer {
	t.Helper()
	session := newSession(t)
	return &deployer{session: session, user: clustertest.User(t, session.namespace, "deployer", rules...), home: t.TempDir()}
}

// try runs the program as the user.
func (d *deployer) try(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	command := exec.Command(program(t), append(args, "--kubeconfig", d.kubeconfig, "--namespace", d.namespace, "--as", d.user)...)
	command.Env = append(os.Environ(), "HOME="+d.home)
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	code = exitCode(t, command.Run())
	d.missed = nil
	warnings := regexp.MustCompile(`(?m)^(?:[0-9:]+ )?warning: no right to (\S+ \S+) in namespace ` + d.namespace + `: `)
	for _, match := range warnings.FindAllStringSubmatch(errs.String(), -1) {
		d.missed = append(d.missed, match[1])
	}
	slices.Sort(d.missed)
	return code, out.String(), errs.String()
}

// expect runs the program and checks how it ends, and that it prints all of the words.
func (d *deployer) expect(t *testing.T, want int, line string, words ...string) {
	t.Helper()
	code, out, errs := d.try(t, strings.Fields(strings.ReplaceAll(line, "PACK", rightsPack))...)
	if code != want {
		t.Fatalf("%s: exit code %d, want %d:\n%s%s", line, code, want, out, errs)
	}
	for _, word := range words {
		if strings.Count(out+errs, word) == 0 {
			t.Errorf("%s: does not say %q:\n%s%s", line, word, out, errs)
		}
	}
	if once := slices.Compact(slices.Clone(d.missed)); len(once) < len(d.missed) {
		t.Errorf("%s: names a right twice: %v", line, d.missed)
	}
}

// lacks checks that warnings of the last command have named these rights, each once. What only what takes long asks for is passed
// over unless it is wanted: events about a Job without a Pod, and why something is not ready after some seconds. When that happens is
// not for a test to say.
func (d *deployer) lacks(t *testing.T, want ...string) {
	t.Helper()
	slices.Sort(want)
	got := slices.DeleteFunc(slices.Clone(d.missed), func(name string) bool {
		return slices.Contains([]string{"watch events", "list events", "list pods"}, name) && !slices.Contains(want, name)
	})
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("rights named (-want +got):\n%s", diff)
	}
}

// With the documented rights the whole lifecycle goes without a single refusal.
func TestTheDocumentedRightsAreAllThatTheLifecycleNeeds(t *testing.T) {
	t.Parallel()
	d := newDeployer(t, everything(t))
	d.live(t, "  | cannot reach the database", "12s")
	for _, request := range d.proxy.Requests() {
		if request.Status == http.StatusForbidden {
			t.Errorf("%s %s was refused", request.Method, request.Path)
		}
	}
}

// With no more than what is needed everything works as well, by asking for one object after another.
func TestTheLifecycleWorksWithNoMoreThanWhatIsNeeded(t *testing.T) {
	t.Parallel()
	d := newDeployer(t, needed(t))
	d.expect(t, 0, "install first PACK --wait")
	d.lacks(t, "delete leases.coordination.k8s.io", "list configmaps", "list deployments.apps", "list jobs.batch", "list pods", "list services",
		"watch configmaps", "watch deployments.apps", "watch jobs.batch", "watch pods", "watch secrets", "watch services")
	d.expect(t, 0, "uninstall first --no-hooks --wait")
	d.live(t, "Job has reached the specified backoff limit", "20s")
}

// The built-in role edit suffices for the whole lifecycle of a pack without roles and without resources of the cluster.
func TestTheBuiltInRoleEditSuffices(t *testing.T) {
	t.Parallel()
	session := newSession(t)
	session.kubectl(t, "create", "rolebinding", "editor", "--clusterrole=edit", "--user=editor-"+session.namespace)
	d := &deployer{session: session, user: "editor-" + session.namespace, home: t.TempDir()}
	session.proxy.Reset()
	d.live(t, "  | cannot reach the database", "12s")
	d.lacks(t)
	for _, request := range d.proxy.Requests() {
		if request.Status == http.StatusForbidden {
			t.Errorf("%s %s was refused", request.Method, request.Path)
		}
	}
}

// live goes through the life of a release: reason is what is known of a hook that fails, and limit how long an upgrade may
// take that never gets ready, and then the undo.
func (d *deployer) live(t *testing.T, reason, limit string) {
	t.Helper()
	d.expect(t, 0, "install app PACK --dry-run=server", "dry run")
	d.expect(t, 0, "install app PACK --wait", "pre-install/before: Succeeded", "post-install/after: Succeeded")
	d.expect(t, 0, "status app", "pre-install/before: Succeeded")
	d.expect(t, 0, "list", "app")
	d.expect(t, 0, "history app", "deployed")
	d.expect(t, 0, "get manifest app", "kind: Deployment")
	d.expect(t, 0, "upgrade app PACK --set extra=false,text=two --wait", "service/app deleted")
	d.expect(t, 6, "upgrade app PACK --set fail=before", "hook pre-upgrade/before failed", reason)
	d.expect(t, 7, "upgrade app PACK --set unready=true,text=three --atomic --timeout "+limit, "was rolled back to revision 2 (now revision 5)")
	d.expect(t, 0, "rollback app 1 --wait", "service/app created")
	d.expect(t, 0, "test app", "test/test: Succeeded")
	d.expect(t, 0, "uninstall app --wait", "pre-delete/before: Succeeded", "post-delete/after: Succeeded")
	left := d.kubectl(t, "get", "configmaps,secrets,services,deployments,jobs", "-o", "name")
	if left = strings.TrimSpace(left); left != "configmap/kube-root-ca.crt" {
		t.Errorf("there is left:\n%s", left)
	}
}

// None of the rights that are called needed can be done without: sooner or later a command fails, and says which it lacks.
func TestEveryNeededRightIsNeeded(t *testing.T) {
	t.Parallel()
	rules := needed(t)
	for _, missing := range rightsIn(rules) {
		t.Run(missing.String(), func(t *testing.T) {
			t.Parallel()
			d := newDeployer(t, without(rules, func(r right) bool { return r == missing }))
			if missing == (right{"get", schema.GroupResource{Group: "coordination.k8s.io", Resource: "leases"}}) {
				// It takes another command to need it.
				lease := filepath.Join(d.home, "lease.yaml")
				write(t, lease, lockOfAnother)
				d.kubectl(t, "create", "-f", lease)
			}
			code, errs := d.failing(t, missing.resource.Resource == "jobs")
			for _, want := range []string{
				fmt.Sprintf("cannot %s resource %q in API group %q in the namespace %q", missing.verb, missing.resource.Resource, missing.resource.Group, d.namespace),
				fmt.Sprintf("\nAsk for the right to %s in namespace %s: see https://", missing, d.namespace),
			} {
				if code != 5 || !strings.Contains(errs, want) {
					t.Errorf("exit code %d, without %q:\n%s", code, want, errs)
				}
			}
		})
	}
}

const lockOfAnother = "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: sh.sherpack.release.v1.app}\n"

// failing runs commands up to one that fails.
func (d *deployer) failing(t *testing.T, hooks bool) (code int, stderr string) {
	t.Helper()
	for _, line := range []string{"install app PACK", "upgrade app PACK --set extra=false,text=two", "uninstall app"} {
		if !hooks {
			line += " --no-hooks"
		}
		if code, _, stderr = d.try(t, strings.Fields(strings.ReplaceAll(line, "PACK", rightsPack))...); code != 0 {
			return code, stderr
		}
	}
	return code, stderr
}

// Each of the other rights can be done without, and what is missed is said once.
func TestEveryOtherRightCanBeDoneWithout(t *testing.T) {
	t.Parallel()
	all := everything(t)
	wanted := rightsIn(needed(t))
	resource := func(names ...string) func(right) bool {
		return func(r right) bool { return slices.Contains(names, r.resource.Resource) }
	}
	verb := func(name string, on func(right) bool) func(right) bool {
		return func(r right) bool { return r.verb == name && on(r) && !slices.Contains(wanted, r) }
	}
	for title, test := range map[string]struct {
		dropped func(right) bool
		line    string
		code    int
		words   []string
		lacks   []string
	}{
		"watch": {
			dropped: verb("watch", func(right) bool { return true }), line: "install app PACK --wait",
			lacks: []string{
				"watch configmaps", "watch deployments.apps", "watch jobs.batch", "watch pods", "watch secrets", "watch services",
			},
		},
		"list": {
			dropped: verb("list", func(right) bool { return true }), line: "install app PACK --wait",
			lacks: []string{"list configmaps", "list jobs.batch"},
		},
		"logs": {
			dropped: resource("pods/log"), line: "install app PACK --set fail=before", code: 6,
			words: []string{"  | cannot reach the database"}, lacks: []string{"get pods/log"},
		},
		"Pods": {
			dropped: resource("pods", "pods/log"), line: "install app PACK --set fail=before", code: 6,
			words: []string{"Job has reached the specified backoff limit"}, lacks: []string{"list pods", "watch pods"},
		},
		"Pods to try":                    {dropped: verb("create", resource("pods")), line: "install app PACK"},
		"events, which nothing asks for": {dropped: resource("events"), line: "install app PACK --wait"},
		"events, when the time is over": {
			dropped: resource("events"), line: "install app PACK --set unready=true --wait --no-hooks --timeout 6s", code: 7,
			words: []string{"1 not ready"}, lacks: []string{"list events"},
		},
		"the end of the lock": {
			dropped: verb("delete", resource("leases")), line: "install app PACK --no-hooks",
			lacks: []string{"delete leases.coordination.k8s.io"},
		},
		"the namespace": {
			dropped: resource("namespaces"), line: "install app PACK --create-namespace", code: 5,
			words: []string{"If the namespace exists, run without --create-namespace"},
		},
		"nothing, in a namespace that is there": {dropped: resource(), line: "install app PACK --create-namespace --no-hooks"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			d := newDeployer(t, without(all, test.dropped))
			d.expect(t, test.code, test.line, test.words...)
			d.lacks(t, test.lacks...)
		})
	}
}

// Who only looks at releases needs to read Secrets, and nothing else.
func TestWhatOnlyReadsNeedsSecretsAlone(t *testing.T) {
	t.Parallel()
	d := newDeployer(t, []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get", "list"}}})
	d.session.run(t, "install", "app", rightsPack, "--no-hooks")
	d.expect(t, 0, "status app", "deployed")
	d.expect(t, 0, "list", "app")
	d.expect(t, 0, "history app", "deployed")
	d.expect(t, 0, "get values app", "{}")
	d.expect(t, 0, "get manifest app", "kind: Deployment")
	d.expect(t, 0, "get hooks app", "kind: Job")
	d.expect(t, 0, "get notes app")
	d.expect(t, 5, "list -A", "Ask for the right to list secrets: see https://")
	d.expect(t, 5, "uninstall app", "Ask for the right to create leases.coordination.k8s.io in namespace "+d.namespace)
}

// Nobody can give away rights that they do not have, whatever they may do with Roles.
func TestAPackWithARoleNeedsWhatTheRoleGives(t *testing.T) {
	t.Parallel()
	roles := rbacv1.PolicyRule{APIGroups: []string{"rbac.authorization.k8s.io"}, Resources: []string{"roles"}, Verbs: []string{"get", "create", "patch", "delete"}}
	d := newDeployer(t, append(needed(t), roles))
	pack := t.TempDir()
	write(t, filepath.Join(pack, "Pack.yaml"), "apiVersion: sherpack/v1\nkind: application\nmetadata: {name: roles, version: 1.0.0}\n")
	write(t, filepath.Join(pack, "values.yaml"), "verb: get\n")
	write(t, filepath.Join(pack, "templates/role.yaml"), "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: app}\n"+
		"rules: [{apiGroups: [\"\"], resources: [configmaps], verbs: [{{ values.verb }}]}]\n")
	d.expect(t, 0, "install app "+pack)
	d.expect(t, 5, "upgrade app "+pack+" --set verb=deletecollection", "attempting to grant RBAC permissions not currently held", "escalate and bind")
	write(t, filepath.Join(pack, "templates/role.yaml"), `{{ lookup "v1" "Pod" release.namespace "app" }}`)
	d.expect(t, 5, "upgrade app "+pack, "Ask for the right to get pods in namespace "+d.namespace)
}
