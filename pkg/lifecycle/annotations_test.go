package lifecycle_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

// What is wrong with an annotation is said with the line of that annotation, not with the first one of its object.
func TestAnAnnotationIsRefusedAtItsOwnLine(t *testing.T) {
	t.Parallel()
	configMap := func(annotation string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  annotations:\n    other: b\n    " + annotation + "\n"
	}
	for name, test := range map[string]struct{ text, want string }{
		"ready-when":                   {configMap("sherpack.io/ready-when: soon"), "templates/a.yaml:7: ConfigMap/a: sherpack.io/ready-when: "},
		"failed-when":                  {configMap("sherpack.io/failed-when: soon"), "templates/a.yaml:7: ConfigMap/a: sherpack.io/failed-when: "},
		"resource-policy":              {configMap("sherpack.io/resource-policy: drop"), `templates/a.yaml:7: ConfigMap/a: sherpack.io/resource-policy: unknown value "drop"; valid: keep`},
		"on-immutable":                 {configMap("sherpack.io/on-immutable: ignore"), `templates/a.yaml:7: ConfigMap/a: sherpack.io/on-immutable: unknown value "ignore"; valid: recreate`},
		"ready-when of a hook":         {plantest.Hook("a", "pre-install,post-install", "    sherpack.io/ready-when: soon\n"), "templates/a.yaml:7: Job/shop-a: sherpack.io/ready-when: "},
		"hook-needs, which is not":     {plantest.Hook("a", "pre-install,post-install", "    sherpack.io/hook-needs: secret/db\n"), "templates/a.yaml:7: Job/shop-a: sherpack.io/hook-needs: the pack has no resource secret/db"},
		"hook-needs, which is several": {plantest.Hook("a", "pre-install", "    sherpack.io/hook-needs: job/x\n") + plantest.Object("batch/v1", "Job", "x") + plantest.Object("v1", "Secret", "s"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := plan.New(plantest.Installation(t, test.text, plan.Options{}))
			var input *plan.InputError
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.As(err, &input) || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one line with %s", err, test.want)
			}
		})
	}
}

// A hook may be kept, as charts keep the Secrets that they generate, also with a delete policy of Helm's; only together with
// one of ours it is refused, save in what was stored before that was so.
func TestAHookThatIsKeptHasNoDeletePolicyOfOurs(t *testing.T) {
	t.Parallel()
	const keep, helmsKeep = "    sherpack.io/resource-policy: keep\n", "    helm.sh/resource-policy: keep\n"
	const helms = "    helm.sh/hook-delete-policy: before-hook-creation\n"
	for name, test := range map[string]struct{ more, want string }{
		"kept":                              {keep, ""},
		"kept for Helm":                     {helmsKeep, ""},
		"kept, with Helm's policy":          {keep + helms, ""},
		"kept for Helm, with Helm's policy": {helmsKeep + helms, ""},
		"kept, with a policy": {
			keep + policy("hook-succeeded"),
			"templates/a.yaml:7: Job/shop-a: sherpack.io/resource-policy: a hook that is kept cannot have sherpack.io/hook-delete-policy; remove one of the two",
		},
		"kept for Helm, with a policy": {
			policy("before-hook-creation") + helmsKeep,
			"templates/a.yaml:8: Job/shop-a: helm.sh/resource-policy: a hook that is kept cannot have sherpack.io/hook-delete-policy; remove one of the two",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := plantest.Hook("a", "pre-install,post-install", test.more)
			_, err := plan.New(plantest.Installation(t, text, plan.Options{}))
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			s := newStory()
			s.must(t, s.plan(t, release.OperationInstall, settings("one"), plan.Options{}))
			s.must(t, s.plan(t, release.OperationUpgrade, settings("two"), plan.Options{}))
			s.texts[1] += "---\n" + text
			s.plan(t, release.OperationRollback, ".", plan.Options{})
		})
	}
}

// A Pod that is started again and again never ends: who waits for it is told beforehand, and when the time is over.
func TestAPodHookThatNeverEndsIsHintedAt(t *testing.T) {
	t.Parallel()
	const hint = "its restartPolicy is Always, so it never ends: set it to Never or OnFailure, or say with sherpack.io/ready-when when it is done"
	spec := func(text, spec string) string { return strings.Replace(text, "restartPolicy: Never", spec, 1) }
	for name, test := range map[string]struct {
		text string
		want bool
	}{
		"by default":                 {spec(pod("n", "pre-install", ""), ""), true},
		"Always":                     {spec(pod("n", "pre-install", ""), "restartPolicy: Always"), true},
		"Never":                      {spec(pod("n", "pre-install", ""), "restartPolicy: Never"), false},
		"OnFailure":                  {spec(pod("n", "pre-install", ""), "restartPolicy: OnFailure"), false},
		"with a condition":           {spec(pod("n", "pre-install", "    sherpack.io/ready-when: condition=Ready\n"), ""), false},
		"only a condition to fail":   {spec(pod("n", "pre-install", "    sherpack.io/failed-when: condition=Ready\n"), ""), true},
		"a Job, which is no such":    {plantest.Hook("n", "pre-install", ""), false},
		"at a phase that is not run": {spec(pod("n", "post-delete", ""), "") + plantest.Hook("n", "pre-install", ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStory()
				s.cluster.outcomes["shop-n"] = hang
				said, err := s.run(t.Context(), s.plan(t, release.OperationInstall, test.text, plan.Options{Timeout: time.Minute}))
				if err == nil {
					t.Fatal("no error")
				}
				if slices.Contains(said, "Pod/shop-n: "+hint) != test.want {
					t.Errorf("it said %q", said)
				}
				if strings.Contains(err.Error(), hint) != test.want {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}
