package lifecycle_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

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
