package lint_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lint"
)

func TestAPIs(t *testing.T) {
	t.Parallel()
	t.Run("versions that come and go", versionsThatComeAndGo)
	t.Run("a server knows best", aServerKnowsBest)
	t.Run("templates are told what the version serves", templatesAreToldWhatTheVersionServes)
}

const cronJob, budget, definition = "CronJob/a: batch/v1beta1/CronJob ", "PodDisruptionBudget/a: policy/v1/PodDisruptionBudget ",
	"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\nspec: {group: example.com, names: {kind: Widget}}\n---\n"

func versionsThatComeAndGo(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		kubernetes, text string
		want             []string
	}{
		"before it is deprecated": {"v1.20.15", object("batch/v1beta1", "CronJob", "a", ""), nil},
		"it is deprecated": {
			"v1.21.0", object("batch/v1beta1", "CronJob", "a", ""),
			[]string{"warning: " + cronJob + "is deprecated since Kubernetes 1.21 and not served from 1.25 on; use batch/v1/CronJob (api-deprecated)"},
		},
		"the last to serve it": {
			"v1.24.17-gke.1", object("batch/v1beta1", "CronJob", "a", ""),
			[]string{"warning: " + cronJob + "is deprecated since Kubernetes 1.21 and not served from 1.25 on; use batch/v1/CronJob (api-deprecated)"},
		},
		"it is removed": {
			"1.25", object("batch/v1beta1", "CronJob", "a", ""),
			[]string{"error: " + cronJob + "is not served since Kubernetes 1.25; use batch/v1/CronJob (api-not-served)"},
		},
		"it moved to another group": {
			"v1.30.0", object("extensions/v1beta1", "Ingress", "a", ""),
			[]string{"error: Ingress/a: extensions/v1beta1/Ingress is not served since Kubernetes 1.22; use networking.k8s.io/v1/Ingress (api-not-served)"},
		},
		"it is not there yet": {
			"v1.20.0", object("policy/v1", "PodDisruptionBudget", "a", ""),
			[]string{"error: " + budget + "is served since Kubernetes 1.21 only; use policy/v1beta1/PodDisruptionBudget (api-not-served)"},
		},
		"no such version": {
			"v1.37.0", object("apps/v3", "Deployment", "a", ""),
			[]string{"error: Deployment/a: Kubernetes has no apps/v3/Deployment; use apps/v1/Deployment (api-not-served)"},
		},
		"no such kind": {
			"v1.37.0", object("policy/v1beta1", "PodSecurityPolicy", "a", ""),
			[]string{"error: PodSecurityPolicy/a: Kubernetes has no policy/v1beta1/PodSecurityPolicy (api-not-served)"},
		},
		"of a Kubernetes that is newer than this program": {
			"v1.99.0", object("apps/v3", "Deployment", "a", ""),
			[]string{"warning: Deployment/a: Kubernetes has no apps/v3/Deployment; use apps/v1/Deployment (api-not-served)"},
		},
		"a kind of somebody else": {"v1.37.0", object("example.com/v1", "Widget", "a", ""), nil},
		"a definition":            {"v1.37.0", definition, nil},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			for i := range test.want {
				test.want[i] = "templates/a.yaml:1: " + test.want[i]
			}
			if diff := cmp.Diff(test.want, files{"templates/a.yaml": test.text}.findingsFor(t, apis(test.kubernetes), nil)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func aServerKnowsBest(t *testing.T) {
	t.Parallel()
	asked := apis("v1.22.0")
	asked.Served = []string{
		"apiextensions.k8s.io/v1", "apiextensions.k8s.io/v1/CustomResourceDefinition", "batch/v1beta1", "batch/v1beta1/CronJob",
		"example.com/v2", "example.com/v2/Gadget", "example.com/v2/Widget", "policy/v1beta1", "policy/v1beta1/PodDisruptionBudget",
	}
	for title, test := range map[string]struct {
		text string
		want []string
	}{
		"what it does not serve, whatever its version": {
			object("policy/v1", "PodDisruptionBudget", "a", ""),
			[]string{"error: PodDisruptionBudget/a: the server does not serve policy/v1/PodDisruptionBudget; use policy/v1beta1/PodDisruptionBudget (api-not-served)"},
		},
		"a kind of somebody else": {
			object("example.com/v1", "Gadget", "a", ""),
			[]string{"error: Gadget/a: the server does not serve example.com/v1/Gadget; use example.com/v2/Gadget (api-not-served)"},
		},
		"one that the pack defines": {definition + object("example.com/v1", "Widget", "a", ""), nil},
		"what it serves, although it is deprecated": {
			object("batch/v1beta1", "CronJob", "a", ""),
			[]string{"warning: " + cronJob + "is deprecated since Kubernetes 1.21 and not served from 1.25 on (api-deprecated)"},
		},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			for i := range test.want {
				test.want[i] = "templates/a.yaml:1: " + test.want[i]
			}
			if diff := cmp.Diff(test.want, files{"templates/a.yaml": test.text}.findingsFor(t, asked, nil)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// A template that asks for the newest version that is served is to get that.
func templatesAreToldWhatTheVersionServes(t *testing.T) {
	t.Parallel()
	for kubernetes, want := range map[string][]string{
		"v1.20.0": {"policy/v1beta1/PodDisruptionBudget"},
		"v1.21.0": {"policy/v1/PodDisruptionBudget", "policy/v1beta1/PodDisruptionBudget"},
		"v1.25.0": {"policy/v1/PodDisruptionBudget"},
	} {
		names := apis(kubernetes).Names()
		got := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			return name != "policy/v1/PodDisruptionBudget" && name != "policy/v1beta1/PodDisruptionBudget"
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kubernetes, diff)
		}
		if !slices.Contains(names, "apps/v1") || !slices.IsSorted(names) {
			t.Errorf("%s: %v", kubernetes, names)
		}
	}
	served := []string{"apps/v1"}
	if diff := cmp.Diff(served, lint.APIs{Served: served}.Names()); diff != "" {
		t.Error(diff)
	}
}
