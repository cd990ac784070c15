package hook_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
)

// subject is a hook that reads as a sentence: a("migrate").of("", "Pod").in("db").
type subject hook.Subject

func a(name string) subject {
	return subject{Phase: hook.PreInstall, Kind: schema.GroupKind{Group: "batch", Kind: "Job"}, Namespace: "web", Name: name}
}

func (s subject) of(group, kind string) subject {
	s.Kind = schema.GroupKind{Group: group, Kind: kind}
	return s
}

func (s subject) in(namespace string) subject {
	s.Namespace = namespace
	return s
}

func (s subject) at(phase hook.Phase) subject {
	s.Phase = phase
	return s
}

func TestTitles(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		hooks []subject
		want  []string
	}{
		"the release's name is left off":    {[]subject{a("myapp-migrate")}, []string{"pre-install/migrate"}},
		"another prefix is not":             {[]subject{a("other")}, []string{"pre-install/other"}},
		"the release's name alone stays":    {[]subject{a("myapp")}, []string{"pre-install/myapp"}},
		"and so does what nothing comes of": {[]subject{a("myapp-")}, []string{"pre-install/myapp-"}},
		"what runs no Pods shows its kind":  {[]subject{a("myapp-migrate").of("", "ServiceAccount")}, []string{"pre-install/serviceaccount/migrate"}},
		"a Job of another group":            {[]subject{a("myapp-migrate").of("batch.example.com", "Job")}, []string{"pre-install/job/migrate"}},
		"another namespace alone is not shown": {
			[]subject{a("myapp-migrate").in("db")}, []string{"pre-install/migrate"},
		},
		"two phases are two titles": {
			[]subject{a("myapp-migrate"), a("migrate").at(hook.PreUpgrade)}, []string{"pre-install/migrate", "pre-upgrade/migrate"},
		},
		"whole names where the short one is not unique": {
			[]subject{a("myapp-x"), a("x"), a("y")}, []string{"pre-install/myapp-x", "pre-install/x", "pre-install/y"},
		},
		"one name in two namespaces": {
			[]subject{a("myapp-x"), a("myapp-x").in("db"), a("myapp-x").in("cache")},
			[]string{"pre-install/myapp-x", "pre-install/db/myapp-x", "pre-install/cache/myapp-x"},
		},
		"a Job and a Pod": {
			[]subject{a("x"), a("x").of("", "Pod")}, []string{"pre-install/job/x", "pre-install/pod/x"},
		},
		"one kind in two groups": {
			[]subject{a("x").of("", "Service"), a("x").of("serving.knative.dev", "Service")},
			[]string{"pre-install/service/x", "pre-install/service.serving.knative.dev/x"},
		},
		"a whole name that is another's short one": {
			[]subject{a("myapp-x"), a("x"), a("myapp-myapp-x")},
			[]string{"pre-install/myapp-x", "pre-install/x", "pre-install/myapp-myapp-x"},
		},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			var hooks []hook.Subject
			for _, s := range test.hooks {
				hooks = append(hooks, hook.Subject(s))
			}
			got := hook.Titles(hooks, types.NamespacedName{Namespace: "web", Name: "myapp"})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
