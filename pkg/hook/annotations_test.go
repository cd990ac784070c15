package hook_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/kyaml/kio/kioutil"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
)

func TestParse(t *testing.T) {
	t.Parallel()
	t.Run("annotations are read", annotationsAreRead)
	t.Run("every phase is accepted", everyPhaseIsAccepted)
	t.Run("wrong words are refused with place and valid words", wrongWordsAreRefusedWithPlaceAndValidWords)
}

type parsed struct {
	Phases   []hook.Phase
	Weight   int
	Policies []hook.DeletePolicy
	Timeout  time.Duration
}

func annotationsAreRead(t *testing.T) {
	t.Parallel()
	before := []hook.DeletePolicy{hook.BeforeHookCreation}
	for name, test := range map[string]struct {
		kind        string
		annotations []string
		want        parsed
	}{
		"a Job has defaults": {
			"Job",
			[]string{"sherpack.io/hook: pre-install"},
			parsed{Phases: []hook.Phase{hook.PreInstall}, Policies: before},
		},
		"another kind is never deleted by default": {
			"ConfigMap",
			[]string{"sherpack.io/hook: pre-install"},
			parsed{Phases: []hook.Phase{hook.PreInstall}},
		},
		"lists, spaces and repetitions": {
			"Job",
			[]string{`sherpack.io/hook: " post-upgrade , pre-install,post-upgrade"`, `sherpack.io/hook-delete-policy: hook-succeeded, hook-failed`},
			parsed{Phases: []hook.Phase{hook.PostUpgrade, hook.PreInstall}, Policies: []hook.DeletePolicy{hook.HookSucceeded, hook.HookFailed}},
		},
		"all the rest": {
			"Pod",
			[]string{"sherpack.io/hook: test", `sherpack.io/hook-weight: "-5"`, "sherpack.io/hook-timeout: 90s"},
			parsed{Phases: []hook.Phase{hook.Test}, Weight: -5, Policies: before, Timeout: 90 * time.Second},
		},
		"Helm's keys count where ours are absent": {
			"Job",
			[]string{"helm.sh/hook: test-success", `helm.sh/hook-weight: "7"`, "helm.sh/hook-delete-policy: hook-failed"},
			parsed{Phases: []hook.Phase{hook.Test}, Weight: 7, Policies: []hook.DeletePolicy{hook.HookFailed}},
		},
		"Helm's words as Helm reads them": {
			"Job",
			[]string{"helm.sh/hook: ' TEST , Pre-Install'", `helm.sh/hook-weight: "high"`, "helm.sh/hook-delete-policy: 'never, Hook-Failed'", "helm.sh/hook-output-log-policy: always"},
			parsed{Phases: []hook.Phase{hook.Test, hook.PreInstall}, Policies: []hook.DeletePolicy{hook.HookFailed}},
		},
		"no policy that Helm knows": {"Job", []string{"helm.sh/hook: test", "helm.sh/hook-delete-policy: never"}, parsed{Phases: []hook.Phase{hook.Test}, Policies: before}},
		"our key wins over Helm's": {
			"Job",
			[]string{"helm.sh/hook: test", "sherpack.io/hook: pre-delete", `helm.sh/hook-weight: "7"`, `sherpack.io/hook-weight: "1"`},
			parsed{Phases: []hook.Phase{hook.PreDelete}, Weight: 1, Policies: before},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, err := hook.Parse(resource(t, test.kind, "a", test.annotations...))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, parsed{h.Phases, h.Weight, h.Policies, h.Timeout}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// resource builds one resource; lines are annotations, as YAML.
func resource(t testing.TB, kind, name string, lines ...string) *yaml.RNode {
	t.Helper()
	apiVersion := "v1"
	if kind == "Job" {
		apiVersion = "batch/v1"
	}
	text := "apiVersion: " + apiVersion + "\nkind: " + kind + "\nmetadata:\n  name: " + name + "\n"
	if len(lines) > 0 {
		text += "  annotations:\n    " + strings.Join(lines, "\n    ") + "\n"
	}
	node, err := yaml.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return node
}

func everyPhaseIsAccepted(t *testing.T) {
	t.Parallel()
	for _, phase := range hook.Phases() {
		h, err := hook.Parse(resource(t, "Job", "a", "sherpack.io/hook: "+string(phase)))
		if err != nil {
			t.Error(err)
		}
		if !h.In(phase) {
			t.Errorf("%s: got %v", phase, h.Phases)
		}
	}
}

func wrongWordsAreRefusedWithPlaceAndValidWords(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		annotations []string
		want        []string
	}{
		"an unknown phase":      {[]string{"a: b", "sherpack.io/hook: pre-instal"}, []string{`templates/a.yaml:7: Job/a: sherpack.io/hook: unknown phase "pre-instal"; valid phases: pre-install, post-install, pre-upgrade, post-upgrade, pre-rollback, post-rollback, pre-delete, post-delete, test; did you mean pre-install?`}},
		"no phase at all":       {[]string{`sherpack.io/hook: ""`}, []string{`templates/a.yaml:6: Job/a: sherpack.io/hook: unknown phase ""; valid phases:`}},
		"a trailing comma":      {[]string{`sherpack.io/hook: test,`}, []string{`templates/a.yaml:6: Job/a: sherpack.io/hook: unknown phase ""; valid phases:`}},
		"a phase in upper case": {[]string{`sherpack.io/hook: Test`}, []string{`templates/a.yaml:6: Job/a: sherpack.io/hook: unknown phase "Test"; valid phases:`}},
		"a weight in words":     {[]string{"sherpack.io/hook: test", "sherpack.io/hook-weight: high"}, []string{`templates/a.yaml:7: Job/a: sherpack.io/hook-weight: weight "high" is not an integer; valid weights:`}},
		"a fraction":            {[]string{"sherpack.io/hook: test", `sherpack.io/hook-weight: "1.5"`}, []string{`templates/a.yaml:7: Job/a: sherpack.io/hook-weight: weight "1.5" is not an integer`}},
		"an unknown log policy": {[]string{"sherpack.io/hook: test", "helm.sh/hook-output-log-policy: always"}, []string{`templates/a.yaml:7: Job/a: helm.sh/hook-output-log-policy: unknown log policy "always"; valid policies: hook-succeeded, hook-failed`}},
		"an unknown policy":     {[]string{"sherpack.io/hook: test", "sherpack.io/hook-delete-policy: never"}, []string{`templates/a.yaml:7: Job/a: sherpack.io/hook-delete-policy: unknown delete policy "never"; valid policies: hook-succeeded, hook-failed, before-hook-creation`}},
		"a misspelt policy":     {[]string{"sherpack.io/hook: test", "sherpack.io/hook-delete-policy: hook-suceeded"}, []string{`templates/a.yaml:7: Job/a: sherpack.io/hook-delete-policy: unknown delete policy "hook-suceeded"; valid policies: hook-succeeded, hook-failed, before-hook-creation; did you mean hook-succeeded?`}},
		"a timeout of zero":     {[]string{"sherpack.io/hook: test", `sherpack.io/hook-timeout: "0"`}, []string{`templates/a.yaml:7: Job/a: sherpack.io/hook-timeout: "0" is not a duration above zero`}},
		"Helm's key is named":   {[]string{"helm.sh/hook: crd-install"}, []string{`templates/a.yaml:6: Job/a: helm.sh/hook: unknown phase "crd-install"`}},
		"a misspelt key":        {[]string{"sherpack.io/hook: test", "sherpack.io/hook-wieght: 3"}, []string{`templates/a.yaml:7: Job/a: sherpack.io/hook-wieght: unknown annotation; valid ones: sherpack.io/hook, sherpack.io/hook-weight, sherpack.io/hook-delete-policy, sherpack.io/hook-timeout, sherpack.io/hook-needs, sherpack.io/ready-when, sherpack.io/failed-when, sherpack.io/resource-policy, sherpack.io/on-immutable; did you mean sherpack.io/hook-weight?`}},
		"a need that is no name": {
			[]string{"sherpack.io/hook: test", "sherpack.io/hook-needs: 'secret/db, settings,configmap/a/b'"},
			[]string{
				`templates/a.yaml:7: Job/a: sherpack.io/hook-needs: "settings" is not a resource; valid: kind/name or kind.group/name, separated by commas, or none alone`,
				`templates/a.yaml:7: Job/a: sherpack.io/hook-needs: "configmap/a/b" is not a resource`,
			},
		},
		"none among needs":      {[]string{"sherpack.io/hook: test", "sherpack.io/hook-needs: 'none,secret/db'"}, []string{`templates/a.yaml:7: Job/a: sherpack.io/hook-needs: "none" is not a resource`}},
		"needs left empty":      {[]string{"sherpack.io/hook: test", `sherpack.io/hook-needs: ""`}, []string{`templates/a.yaml:7: Job/a: sherpack.io/hook-needs: "" is not a resource`}},
		"needs without hook":    {[]string{"sherpack.io/hook-needs: none"}, []string{`templates/a.yaml:6: Job/a: sherpack.io/hook-needs: has no effect without sherpack.io/hook`}},
		"a weight without hook": {[]string{"sherpack.io/hook-weight: 3"}, []string{`templates/a.yaml:6: Job/a: sherpack.io/hook-weight: has no effect without sherpack.io/hook`}},
		"everything at once": {
			[]string{"sherpack.io/hook: no,test,neither", "sherpack.io/hook-weight: high", "sherpack.io/hook-delete-policy: never"},
			[]string{`templates/a.yaml:6: Job/a: sherpack.io/hook: unknown phase "no"`, `templates/a.yaml:6: Job/a: sherpack.io/hook: unknown phase "neither"`, `templates/a.yaml:7:`, `templates/a.yaml:8:`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			node := resource(t, "Job", "a", test.annotations...)
			if err := node.PipeE(yaml.SetAnnotation(kioutil.PathAnnotation, "templates/a.yaml")); err != nil {
				t.Fatal(err)
			}
			_, _, err := hook.Split([]*yaml.RNode{node})
			err = errors.Join(err, hook.CheckWords([]*yaml.RNode{node}))
			var first *hook.Error
			if !errors.As(err, &first) {
				t.Fatalf("no *hook.Error: %v", err)
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(test.want) {
				t.Fatalf("got %d problems, want %d:\n%v", len(lines), len(test.want), err)
			}
			for i, want := range test.want {
				if !strings.HasPrefix(lines[i], want) {
					t.Errorf("got  %q\nwant %q…", lines[i], want)
				}
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("pre-install,test", "-5", "hook-succeeded", "90s")
	f.Add("", "high", ",", "-1s")
	f.Add("test-success,test", "99999999999", "before-hook-creation, hook-failed", "1h")
	f.Fuzz(func(t *testing.T, phases, weight, policies, timeout string) {
		node := resource(t, "Job", "a")
		for key, value := range map[string]string{
			hook.Annotation: phases, hook.WeightAnnotation: weight,
			hook.DeletePolicyAnnotation: policies, hook.TimeoutAnnotation: timeout,
		} {
			if err := node.PipeE(yaml.SetAnnotation(key, value)); err != nil {
				t.Skip("not a value that YAML can hold")
			}
		}
		h, err := hook.Parse(node)
		if err != nil {
			return
		}
		if len(h.Phases) == 0 || len(h.Policies) == 0 || h.Timeout <= 0 {
			t.Errorf("accepted, but incomplete: %+v", h)
		}
		for _, phase := range h.Phases {
			if !strings.Contains(phases, string(phase)) {
				t.Errorf("phase %q is not in %q", phase, phases)
			}
		}
	})
}
