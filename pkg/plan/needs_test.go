package plan_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestNeeds(t *testing.T) {
	t.Parallel()
	t.Run("what the Pod of a hook refers to is applied early", referencesOfPodAreAppliedEarly)
	t.Run("the rights of a hook are applied early", theRightsOfAHookAreAppliedEarly)
	t.Run("what the annotation names is applied early", whatTheAnnotationNamesIsAppliedEarly)
	t.Run("a need that the pack does not meet is refused", aNeedThatThePackDoesNotMeetIsRefused)
	t.Run("what is applied early is applied once", whatIsAppliedEarlyIsAppliedOnce)
	t.Run("a rollback applies nothing early", aRollbackAppliesNothingEarly)
}

func referencesOfPodAreAppliedEarly(t *testing.T) {
	t.Parallel()
	// Every Pod that names no ServiceAccount has this one.
	standard := []string{"ClusterRole/default", "RoleBinding/default"}
	for name, test := range map[string]struct {
		container, pod string
		want           []string
	}{
		"nothing":                       {"", "", nil},
		"a variable from a Secret":      {", env: [{name: X, valueFrom: {secretKeyRef: {name: a, key: x}}}]", "", []string{"Secret/a"}},
		"a variable from a ConfigMap":   {", env: [{name: X, valueFrom: {configMapKeyRef: {name: a, key: x}}}]", "", []string{"ConfigMap/a"}},
		"all variables of a Secret":     {", envFrom: [{secretRef: {name: a}}]", "", []string{"Secret/a"}},
		"all variables of a ConfigMap":  {", envFrom: [{configMapRef: {name: a}}]", "", []string{"ConfigMap/a"}},
		"an init container":             {"", "initContainers: [{name: i, envFrom: [{secretRef: {name: a}}]}],", []string{"Secret/a"}},
		"an ephemeral container":        {"", "ephemeralContainers: [{name: i, envFrom: [{secretRef: {name: a}}]}],", []string{"Secret/a"}},
		"a volume of a Secret":          {"", "volumes: [{name: v, secret: {secretName: a}}],", []string{"Secret/a"}},
		"a volume of a ConfigMap":       {"", "volumes: [{name: v, configMap: {name: a}}],", []string{"ConfigMap/a"}},
		"a projected volume":            {"", "volumes: [{name: v, projected: {sources: [{secret: {name: a}}, {configMap: {name: a}}]}}],", []string{"ConfigMap/a", "Secret/a"}},
		"a claim":                       {"", "volumes: [{name: v, persistentVolumeClaim: {claimName: a}}],", []string{"PersistentVolumeClaim/a"}},
		"a claim, its class and volume": {"", "volumes: [{name: v, persistentVolumeClaim: {claimName: b}}],", []string{"StorageClass/fast", "PersistentVolume/disk", "PersistentVolumeClaim/b"}},
		"the Secret of a CSI volume":    {"", "volumes: [{name: v, csi: {driver: d, nodePublishSecretRef: {name: a}}}],", []string{"Secret/a"}},
		"the Secret of an iSCSI volume": {"", "volumes: [{name: v, iscsi: {secretRef: {name: a}}}],", []string{"Secret/a"}},
		"the Secrets of other volumes":  {"", secretVolumes(), []string{"Secret/azure", "Secret/cephfs", "Secret/cinder", "Secret/flex", "Secret/rbd", "Secret/scaleio", "Secret/storageos"}},
		"the Secrets of a claim's volume": {"", "volumes: [{name: v, persistentVolumeClaim: {claimName: shared}}],", []string{
			"Secret/azure", "Secret/cephfs", "Secret/cinder", "Secret/flex", "Secret/rbd", "PersistentVolume/shared", "PersistentVolumeClaim/shared",
		}},
		"a Secret to pull with":          {"", "imagePullSecrets: [{name: pull}],", []string{"Secret/pull"}},
		"classes":                        {"", "priorityClassName: a, runtimeClassName: a,", []string{"PriorityClass/a", "RuntimeClass/a"}},
		"what the pack does not have":    {", envFrom: [{secretRef: {name: none}}]", "volumes: [{name: v, configMap: {name: none}}],", nil},
		"what is in another namespace":   {", envFrom: [{secretRef: {name: elsewhere}}]", "", nil},
		"fields that are no such fields": {", envFrom: [{secretRef: {name: a}}]", "volumes: 5,", nil},
		"a container that is none":       {"}, a, {name: d, envFrom: [{secretRef: {name: a}}]", "", nil},
		"empty fields":                   {", env: [{name: X, valueFrom: }], envFrom: [{}]", "volumes: [{}], imagePullSecrets: [{}], serviceAccountName: ,", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made, err := planMany(t, release.OperationInstall, many()+volumes()+plantest.PodHook("pre-install", "", test.container, test.pod), plan.Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := slices.DeleteFunc(appliedEarly(made), func(title string) bool { return slices.Contains(standard, title) })
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// many are regular objects of all kinds that hooks may need, each called a, and those that b needs.
func many() string {
	return plantest.Object("v1", "Secret", "a") + plantest.Object("v1", "ConfigMap", "a") + plantest.Object("v1", "PersistentVolumeClaim", "a") +
		plantest.Object("scheduling.k8s.io/v1", "PriorityClass", "a") + plantest.Object("node.k8s.io/v1", "RuntimeClass", "a") +
		plantest.Object("v1", "ServiceAccount", "a") + plantest.Object("apps/v1", "Deployment", "a") + plantest.Object("v1", "Pod", "a") +
		"apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: b}\nimagePullSecrets: [{name: pull}]\n---\n" + plantest.Object("v1", "Secret", "pull") +
		plantest.Object("rbac.authorization.k8s.io/v1", "Role", "b") + binding("RoleBinding", "b", "Role") +
		plantest.Object("rbac.authorization.k8s.io/v1", "ClusterRole", "b") + binding("ClusterRoleBinding", "b", "ClusterRole") +
		plantest.Object("rbac.authorization.k8s.io/v1", "Role", "a") + binding("RoleBinding", "default", "ClusterRole") +
		plantest.Object("rbac.authorization.k8s.io/v1", "ClusterRole", "default") +
		"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: b}\nspec: {storageClassName: fast, volumeName: disk}\n---\n" +
		plantest.Object("storage.k8s.io/v1", "StorageClass", "fast") + plantest.Object("v1", "PersistentVolume", "disk") +
		plantest.Object("v1", "Namespace", "a") + "apiVersion: v1\nkind: Secret\nmetadata: {name: elsewhere, namespace: other}\n---\n" +
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: b}\nspec: {template: {spec: {containers: [{name: c, envFrom: [{configMapRef: {name: a}}]}]}}}\n---\n" +
		plantest.Object("example.com/v1", "Database", "a") + "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n" +
		"metadata: {name: databases.example.com}\nspec: {group: example.com, names: {kind: Database}}\n---\n" +
		plantest.Object("example.com/v1", "Pod", "a") + plantest.Object("example.org/v1", "Pod", "a")
}

// secretVolumes are volumes of a Pod that are mounted by means of a Secret each.
func secretVolumes() string {
	return "volumes: [{name: a, azureFile: {secretName: azure, shareName: s}}, {name: b, cephfs: {monitors: [], secretRef: {name: cephfs}}}, " +
		"{name: c, rbd: {secretRef: {name: rbd}}}, {name: d, flexVolume: {driver: d, secretRef: {name: flex}}}, " +
		"{name: e, scaleIO: {secretRef: {name: scaleio}}}, {name: f, storageos: {secretRef: {name: storageos}}}, " +
		"{name: g, cinder: {volumeID: v, secretRef: {name: cinder}}}, {name: h, csi: {driver: d}}, {name: i, rbd: {}}],"
}

// volumes are the Secrets of secretVolumes, a PersistentVolume that is attached and mounted by means of some of them, and its
// claim.
func volumes() string {
	text := ""
	for _, name := range []string{"azure", "cephfs", "rbd", "flex", "scaleio", "storageos", "cinder"} {
		text += plantest.Object("v1", "Secret", name)
	}
	return text + "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: shared}\nspec: {volumeName: shared}\n---\n" +
		"apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: shared}\nspec:\n  claimRef: {namespace: web, name: shared}\n" +
		"  csi: {driver: d, volumeHandle: h, controllerPublishSecretRef: {name: azure, namespace: web}, nodeStageSecretRef: {name: cephfs, namespace: web},\n" +
		"    nodePublishSecretRef: {name: rbd, namespace: web}, controllerExpandSecretRef: {name: flex, namespace: web}, nodeExpandSecretRef: {name: cinder}}\n---\n"
}

// binding gives the ServiceAccount of its own name a role of that name.
func binding(kind, name, role string) string {
	return fmt.Sprintf("apiVersion: rbac.authorization.k8s.io/v1\nkind: %s\nmetadata: {name: %s}\n"+
		"subjects: [{kind: ServiceAccount, name: %s, namespace: web}]\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: %s, name: %s}\n---\n", kind, name, name, role, name)
}

// planMany plans an operation on release shop whose manifest has objects of all kinds.
func planMany(t *testing.T, operation release.Operation, text string, options plan.Options) (plan.Plan, error) {
	t.Helper()
	return planNodes(operation, plantest.Nodes(t, text), options)
}

// planNodes plans an operation as planMany does, on a manifest that was read already.
func planNodes(operation release.Operation, decoded []*yaml.RNode, options plan.Options) (plan.Plan, error) {
	known := plantest.Scopes()
	for _, kind := range []schema.GroupKind{
		{Group: "rbac.authorization.k8s.io", Kind: "Role"},
		{Group: "rbac.authorization.k8s.io", Kind: "RoleBinding"},
		{Group: "example.com", Kind: "Database"},
		{Group: "example.com", Kind: "Pod"},
		{Group: "example.org", Kind: "Pod"},
		{Group: "batch", Kind: "CronJob"},
	} {
		known[kind] = true
	}
	for _, kind := range []schema.GroupKind{
		{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"},
		{Group: "rbac.authorization.k8s.io", Kind: "ClusterRoleBinding"},
		{Group: "scheduling.k8s.io", Kind: "PriorityClass"},
		{Group: "node.k8s.io", Kind: "RuntimeClass"},
		{Group: "storage.k8s.io", Kind: "StorageClass"},
		{Kind: "PersistentVolume"},
	} {
		known[kind] = false
	}
	return plan.New(plan.Request{
		Operation: operation, Release: release.New("shop", "web", 1), Nodes: decoded, Scopes: known, Options: options,
	})
}

// appliedEarly are the objects that a plan applies because hooks need them, in its order.
func appliedEarly(made plan.Plan) []string {
	var found []string
	for _, step := range made.Steps {
		for _, object := range step.Objects {
			if step.Early {
				found = append(found, object.Title())
			}
		}
	}
	return found
}

func theRightsOfAHookAreAppliedEarly(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pod  string
		want []string
	}{
		"a ServiceAccount that has none": {"serviceAccountName: a,", []string{"ServiceAccount/a"}},
		"one that has some, and an image pull secret": {
			"serviceAccountName: b,",
			[]string{"ServiceAccount/b", "ClusterRole/b", "Role/b", "Secret/pull", "ClusterRoleBinding/b", "RoleBinding/b"},
		},
		"the old name of the field":           {"serviceAccount: a,", []string{"ServiceAccount/a"}},
		"the one that Pods have by default":   {"", []string{"ClusterRole/default", "RoleBinding/default"}},
		"one that the pack does not have":     {"serviceAccountName: c,", nil},
		"rights of an account that is a hook": {"serviceAccountName: d,", []string{"Role/d", "RoleBinding/d"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := many() + plantest.Object("rbac.authorization.k8s.io/v1", "Role", "d") + binding("RoleBinding", "d", "Role") +
				"apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: d, annotations: {sherpack.io/hook: pre-install}}\n---\n"
			made, err := planMany(t, release.OperationInstall, text+plantest.PodHook("pre-install", "", "", test.pod), plan.Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := appliedEarly(made)
			slices.Sort(got)
			slices.Sort(test.want)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func whatTheAnnotationNamesIsAppliedEarly(t *testing.T) {
	t.Parallel()
	secret := ", envFrom: [{secretRef: {name: a}}]"
	for name, test := range map[string]struct {
		needs, container string
		want             []string
	}{
		"beside what the Pod refers to":         {"configmap/a", secret, []string{"ConfigMap/a", "Secret/a"}},
		"what the Pod refers to, too":           {"secrets/a", secret, []string{"Secret/a"}},
		"nothing":                               {"none", secret, nil},
		"what runs Pods, and what these need":   {"Deployment/b", "", []string{"ClusterRole/default", "RoleBinding/default", "ConfigMap/a", "Deployment/b"}},
		"by its group, in none of a namespace":  {"priorityclasses.scheduling.k8s.io/a", "", []string{"PriorityClass/a"}},
		"what comes first anyway":               {"namespace/a", "", nil},
		"what the pack itself defines":          {"database/a", "", []string{"CustomResourceDefinition/databases.example.com", "Database/a"}},
		"one of several kinds of the same name": {"pod.example.com/a", "", []string{"Pod/a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made, err := planMany(t, release.OperationInstall, many()+plantest.PodHook("pre-install", test.needs, test.container, "serviceAccountName: none,"), plan.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, appliedEarly(made)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func aNeedThatThePackDoesNotMeetIsRefused(t *testing.T) {
	t.Parallel()
	start := "line 9: Job/shop-migrate: sherpack.io/hook-needs: "
	text := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app}\n---\n"
	rest := plantest.Object("v1", "Secret", "db") + "apiVersion: v1\nkind: Secret\nmetadata: {name: hook, annotations: {sherpack.io/hook: test}}\n---\n" +
		plantest.Object("example.com/v1", "Pod", "a") + plantest.Object("example.org/v1", "Pod", "a")
	for name, test := range map[string]struct{ needs, want string }{
		"of a kind that it has":    {"configmap/ap", "the pack has no resource configmap/ap in namespace web that is no hook; it has configmap/app"},
		"of a name that it has":    {"deployment/db", "the pack has no resource deployment/db in namespace web that is no hook; it has secret/db"},
		"of neither":               {"deployment/web", "the pack has no resource deployment/web in namespace web that is no hook; it has configmap/app, secret/db, pod.example.com/a, pod.example.org/a"},
		"but for a hook":           {"secret/hook", "the pack has no resource secret/hook in namespace web that is no hook; it has secret/db"},
		"by what may be of either": {"pods/a", "pods/a may be any of pod.example.com/a, pod.example.org/a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// What cannot be met is no better in phases before which nothing is applied early, or which are skipped.
			all := text + plantest.PodHook("pre-install,post-install", test.needs, "", "") + rest
			_, err := planMany(t, release.OperationInstall, all, plan.Options{SkipPhases: hook.Phases()})
			var input *plan.InputError
			if !errors.As(err, &input) || err.Error() != start+test.want {
				t.Errorf("got  %v\nwant %s%s", err, start, test.want)
			}
			if err := plan.Check(plantest.Nodes(t, all), "web"); err == nil || err.Error() != start+test.want {
				t.Errorf("without a cluster: %v", err)
			}
		})
	}
}

func whatIsAppliedEarlyIsAppliedOnce(t *testing.T) {
	t.Parallel()
	text := plantest.Object("v1", "Namespace", "extra") + plantest.Object("v1", "ServiceAccount", "web") + plantest.Object("v1", "Secret", "db") + plantest.Object("v1", "ConfigMap", "app") +
		plantest.Object("apps/v1", "Deployment", "web") +
		plantest.PodHook("pre-install,post-install,pre-upgrade", "", ", envFrom: [{secretRef: {name: db}}]", "serviceAccountName: web,")
	ground, regular := "apply Namespace/extra", []string{"apply ServiceAccount/web", "apply ConfigMap/app Secret/db", "apply Deployment/web"}
	for name, test := range map[string]struct {
		operation release.Operation
		options   plan.Options
		want      []string
	}{
		"by an installation": {release.OperationInstall, plan.Options{}, []string{
			ground, "apply ServiceAccount/web", "apply Secret/db", "run-hooks pre-install pre-install/migrate",
			"apply ConfigMap/app", "apply Deployment/web", "run-hooks post-install post-install/migrate",
		}},
		"by an upgrade that waits": {release.OperationUpgrade, plan.Options{Wait: true}, []string{
			ground, "apply ServiceAccount/web", "apply Secret/db", "run-hooks pre-upgrade pre-upgrade/migrate",
			"apply ConfigMap/app", "apply Deployment/web", "wait Namespace/extra ServiceAccount/web ConfigMap/app Secret/db Deployment/web",
		}},
		"without hooks":     {release.OperationInstall, plan.Options{SkipPhases: hook.Phases()}, append([]string{ground}, regular...)},
		"without the phase": {release.OperationUpgrade, plan.Options{SkipPhases: []hook.Phase{hook.PreUpgrade}}, append([]string{ground}, regular...)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made, err := planMany(t, test.operation, text, test.options)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, plantest.Steps(made.Steps)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func aRollbackAppliesNothingEarly(t *testing.T) {
	t.Parallel()
	text := plantest.Object("v1", "Secret", "db") + plantest.PodHook("pre-rollback", "configmap/app", ", envFrom: [{secretRef: {name: db}}]", "") + plantest.Object("v1", "ConfigMap", "app")
	back, err := plan.New(plantest.Rollback(t, plantest.Revision(t, 1, release.Superseded, text), plantest.Revision(t, 2, release.Deployed, text)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"run-hooks pre-rollback pre-rollback/migrate", "apply ConfigMap/app Secret/db"}, plantest.Steps(back.Steps)); diff != "" {
		t.Error(diff)
	}
}

// No Pod of a hook, and nothing that a regular object refers to, ends the program.
func FuzzNeeds(f *testing.F) {
	f.Add("spec: {template: {spec: {containers: [{name: c, envFrom: [{secretRef: {name: a}}]}]}}}", "Job")
	f.Add("spec: {template: [{spec: 5}]}", "Job")
	f.Add("spec: {volumes: [{projected: {sources: [{secret: }]}}], runtimeClassName: }", "Pod")
	f.Add("subjects: [{kind: ServiceAccount, name: default, namespace: web}]", "RoleBinding")
	f.Fuzz(func(t *testing.T, text, kind string) {
		apiVersions := map[string]string{"Job": "batch/v1", "Pod": "v1", "RoleBinding": "rbac.authorization.k8s.io/v1", "PersistentVolumeClaim": "v1"}
		if apiVersions[kind] == "" || strings.Contains(text, "---") {
			return
		}
		head := "apiVersion: " + apiVersions[kind] + "\nkind: " + kind + "\nmetadata: {name: x"
		manifests := []string{head + ", annotations: {sherpack.io/hook: pre-install}}\n" + text + "\n", head + "}\n" + text + "\n"}
		for _, text := range manifests {
			if decoded, err := manifest.Decode("", []byte(text), nil); err == nil {
				_, _ = planNodes(release.OperationInstall, append(decoded, plantest.Nodes(t, plantest.PodHook("pre-install", "", "", ""))...), plan.Options{})
			}
		}
	})
}
