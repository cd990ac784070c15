package kinds_test

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
)

func TestWave(t *testing.T) {
	t.Parallel()
	t.Run("kinds are in those of the documentation", wavesAreThoseOfTheDocumentation)
	t.Run("all others are in one", otherKindsAreInOneWave)
}

// named are the kinds that a wave is named for, by their groups.
func named() map[string][]string {
	return map[string][]string{
		"":                             {"Namespace", "ServiceAccount", "ResourceQuota", "LimitRange", "Secret", "ConfigMap", "PersistentVolume", "PersistentVolumeClaim", "Service"},
		"admissionregistration.k8s.io": {"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicyBinding"},
		"apiextensions.k8s.io":         {"CustomResourceDefinition"},
		"apiregistration.k8s.io":       {"APIService"},
		"networking.k8s.io":            {"NetworkPolicy"},
		"node.k8s.io":                  {"RuntimeClass"},
		"rbac.authorization.k8s.io":    {"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"},
		"scheduling.k8s.io":            {"PriorityClass"},
		"storage.k8s.io":               {"StorageClass"},
	}
}

func wavesAreThoseOfTheDocumentation(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/releases.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "\n### Waves\n")
	if !found {
		t.Fatal("there is no section about waves")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	documented := map[string]int{}
	for _, row := range regexp.MustCompile(`(?m)^\| (\d) \| (.*) \|$`).FindAllStringSubmatch(section, -1) {
		wave, err := strconv.Atoi(row[1])
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(row[2], "all other kinds") {
			continue
		}
		for kind := range strings.SplitSeq(row[2], ", ") {
			documented[kind] = wave
		}
	}
	got := map[string]int{}
	for group, members := range named() {
		for _, kind := range members {
			got[kind] = kinds.Wave(schema.GroupKind{Group: group, Kind: kind})
		}
	}
	if diff := cmp.Diff(documented, got); diff != "" {
		t.Errorf("(-documented +got):\n%s", diff)
	}
}

func otherKindsAreInOneWave(t *testing.T) {
	t.Parallel()
	for _, kind := range []schema.GroupKind{
		{Group: "apps", Kind: "Deployment"},
		{Group: "batch", Kind: "Job"},
		{Kind: "Pod"},
		{Group: "networking.k8s.io", Kind: "Ingress"},
		{Group: "example.com", Kind: "Any"},
		{Group: "serving.knative.dev", Kind: "Service"},
		{Group: "example.com", Kind: "Secret"},
		{},
	} {
		if wave := kinds.Wave(kind); wave != 4 {
			t.Errorf("%s is in wave %d", kind, wave)
		}
	}
}
