package kube_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
)

// checkCase is an object to check. want is a pattern for the error, and unknown one for what could not be checked; ""
// wants none.
type checkCase struct {
	text, want, unknown string
	replaces            bool
	// coming are the names of objects that come with it.
	coming string
}

func (b *bench) checkAll(cases map[string]checkCase) {
	b.Helper()
	for name, c := range cases {
		coming := func(ref corev1.ObjectReference) bool { return c.coming == ref.Kind+"/"+ref.Name }
		check := kube.DryRun{Object: b.object(c.text), Replaces: c.replaces, Planned: coming}
		answers, err := b.DryRun(b.Context(), []kube.DryRun{check})
		b.must(err)
		text := ""
		if answers[0].Err != nil {
			text = answers[0].Err.Error()
		}
		if !matches(c.want, text) || !matches(c.unknown, answers[0].Unknown) {
			b.Errorf("%s: error %q, unknown %q; want %q and %q", name, text, answers[0].Unknown, c.want, c.unknown)
		}
	}
}

// matches reports whether a text has a pattern; the empty pattern wants no text.
func matches(pattern, text string) bool {
	if pattern == "" {
		return text == ""
	}
	return regexp.MustCompile(pattern).MatchString(text)
}

const checkedJob = `
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec: {template: {spec: {restartPolicy: Never, FIELDS containers: [{name: main, image: busybox}]}}}
`

func jobWith(fields string) string { return strings.Replace(checkedJob, "FIELDS", fields, 1) }

func TestDryRun(t *testing.T) {
	t.Parallel()
	t.Run("it writes nothing and tells what would be refused", dryRunWritesNothing)
	t.Run("it answers with the object as it would be, where that is asked for", dryRunAnswersWhole)
	t.Run("it knows the rules of the namespace", dryRunKnowsTheRulesOfTheNamespace)
	t.Run("it knows quotas", dryRunKnowsQuotas)
	t.Run("without the right to make Pods they are not checked", withoutTheRightToMakePodsTheyAreNotChecked)
	t.Run("the Pods that are checked have an owner", thePodsThatAreCheckedHaveAnOwner)
	t.Run("it knows webhooks", dryRunKnowsWebhooks)
	t.Run("it gives the Pods of a StatefulSet its claims", dryRunGivesThePodsOfASetItsClaims)
}

func dryRunWritesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	before := b.apply(b.object(jobWith("")), b.object(deployment))
	// What would be made for a moment, such as a Pod, may be gone again when somebody looks.
	b.requests.refuse = func(request *http.Request) bool {
		writes := request.Method != http.MethodGet && !request.URL.Query().Has("dryRun")
		if writes {
			t.Errorf("it writes: %s %s", request.Method, request.URL)
		}
		return writes
	}
	b.checkAll(map[string]checkCase{
		"what is right": {text: `{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}`},
		"all that is misspelt in what is not there": {
			text: `{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {port: 1, ports: [{port: 80, prt: 1}]}, sped: {}}`,
			want: `applying Service/.*/s: invalid fields: spec.port: unknown field, spec.ports\[0\].prt: unknown field, sped: unknown field`,
		},
		"all that is misspelt in what is there": {
			text: strings.Replace(deployment, "replicas: 1", "replica: 1\n  strategi: {}", 1) + "lab: x\n",
			want: `invalid fields: lab: unknown field, spec.replica: unknown field, spec.strategi: unknown field`,
		},
		"a Job over one that has another template":           {text: jobWith("hostNetwork: true,"), replaces: true},
		"a Job that is invalid, over one that is there":      {text: jobWith("restartPolcy: Never,"), replaces: true, want: `restartPolcy: unknown field`},
		"a Job whose ServiceAccount is not there":            {text: strings.Replace(jobWith("serviceAccountName: nobody,"), "migrate", "m2", 1), want: `the Pods of Job/.*/m2: .*serviceaccount "nobody" not found`},
		"a Job whose ServiceAccount comes with it":           {text: jobWith("serviceAccountName: soon,"), replaces: true, coming: "ServiceAccount/soon"},
		"a Pod whose priority class comes with it":           {text: `{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {priorityClassName: soon, containers: [{name: c, image: i}]}}`, coming: "PriorityClass/soon"},
		"a Pod whose priority class is not there":            {text: `{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {priorityClassName: soon, containers: [{name: c, image: i}]}}`, want: `no PriorityClass with name soon`},
		"a Job whose template has null for metadata":         {text: strings.Replace(jobWith(""), "template: {", "template: {metadata: , ", 1), replaces: true},
		"a CronJob whose template has null for metadata":     {text: `{apiVersion: batch/v1, kind: CronJob, metadata: {name: c}, spec: {schedule: "* * * * *", jobTemplate: {metadata: , spec: {template: {metadata: , spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}}}`},
		"a template with null for labels and annotations":    {text: strings.Replace(jobWith(""), "template: {", "template: {metadata: {labels: , annotations: }, ", 1), replaces: true},
		"a ReplicationController whose Pods have no account": {text: `{apiVersion: v1, kind: ReplicationController, metadata: {name: c}, spec: {template: {metadata: {labels: {a: b}}, spec: {serviceAccountName: nobody, containers: [{name: c, image: i}]}}}}`, want: `the Pods of ReplicationController/.*/c: .*"nobody" not found`},
		"a kind that can only be read":                       {text: `{apiVersion: v1, kind: ComponentStatus, metadata: {name: scheduler}}`, want: `applying ComponentStatus/.*: PATCH /api/v1/componentstatuses/scheduler: the server does not allow this method on the requested resource`},
		"an object of a kind that the server has not":        {text: `{apiVersion: example.com/v1, kind: Gadget, metadata: {name: g}}`, want: `does not serve kind Gadget`},
		"a CronJob whose Pods have no ServiceAccount":        {text: `{apiVersion: batch/v1, kind: CronJob, metadata: {name: c}, spec: {schedule: "* * * * *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, serviceAccountName: nobody, containers: [{name: c, image: i}]}}}}}}`, want: `the Pods of CronJob/.*/c: .*"nobody" not found`},
		"a Deployment whose Pods have no ServiceAccount":     {text: strings.Replace(deployment, "containers:", "serviceAccountName: nobody\n      containers:", 1), want: `the Pods of Deployment/.*/web: .*"nobody" not found`},
	})
	for i, object := range []*unstructured.Unstructured{b.object(jobWith("")), b.object(deployment)} {
		if live := b.live(object); live.GetGeneration() != before[i].Generation {
			t.Errorf("%s was changed", object.GetName())
		}
	}
	made, err := b.Find(t.Context(), []corev1.ObjectReference{
		b.ref("v1", "ConfigMap", "c"), b.ref("v1", "Service", "s"), b.ref("v1", "Pod", "p"), b.ref("batch/v1", "CronJob", "c"), b.ref("batch/v1", "Job", "m2"),
	})
	b.must(err)
	if diff := cmp.Diff(make([]*metav1.PartialObjectMetadata, len(made)), made); diff != "" {
		t.Errorf("it made something:\n%s", diff)
	}
}

func dryRunAnswersWhole(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	job := b.object(jobWith(""))
	b.apply(b.object(settings), job)
	changed := b.object(strings.Replace(settings, "a: one", "a: three", 1))
	answers, err := b.DryRun(t.Context(), []kube.DryRun{
		{Object: changed, Whole: true},
		{Object: b.object(service), Whole: true},
		{Object: b.object(jobWith("hostNetwork: true,")), Replaces: true, Whole: true},
		{Object: b.object(strings.Replace(settings, "data:", "dato:", 1)), Whole: true},
		{Object: changed},
	})
	b.must(err)
	for i, want := range []map[string]any{
		{"data.a": "three", "data.b": "two", "metadata.uid": true},
		// Defaults are in it, and there is no status.
		{"spec.type": "ClusterIP", "spec.sessionAffinity": "None", "status": nil},
		{"spec.template.spec.hostNetwork": true, "metadata.name": "migrate", "metadata.generateName": nil, "status": nil},
		nil, nil,
	} {
		if (answers[i].Object == nil) != (want == nil) {
			t.Errorf("%d: it answers with %v", i, answers[i])
			continue
		}
		for path, value := range want {
			got, found, err := unstructured.NestedFieldNoCopy(answers[i].Object.Object, strings.Split(path, ".")...)
			if err != nil || found == (value == nil) || path != "metadata.uid" && found && got != value {
				t.Errorf("%d: %s is %v, want %v", i, path, got, value)
			}
		}
	}
	if answers[3].Err == nil || answers[2].Err != nil {
		t.Errorf("errors %v and %v", answers[2].Err, answers[3].Err)
	}
	if live := b.live(job); live.GetName() != "migrate" {
		t.Error("the Job is gone")
	}
}

func dryRunKnowsTheRulesOfTheNamespace(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	namespace, err := b.admin.CoreV1().Namespaces().Get(t.Context(), b.namespace, metav1.GetOptions{})
	b.must(err)
	namespace.Labels["pod-security.kubernetes.io/enforce"] = "restricted"
	_, err = b.admin.CoreV1().Namespaces().Update(t.Context(), namespace, metav1.UpdateOptions{})
	b.must(err)
	b.checkAll(map[string]checkCase{
		"a Job whose Pods PodSecurity refuses": {
			text: jobWith(""), want: `the Pods of Job/.*/migrate: pods "migrate-.*" is forbidden: violates PodSecurity "restricted:latest"`,
		},
		"a Pod that PodSecurity refuses": {
			text: `{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: i}]}}`, want: `violates PodSecurity`,
		},
	})
}

func dryRunKnowsQuotas(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "q"}, Spec: corev1.ResourceQuotaSpec{
		Hard: corev1.ResourceList{"count/jobs.batch": resource.MustParse("1"), "count/secrets": resource.MustParse("0")},
	}}
	quotas := b.admin.CoreV1().ResourceQuotas(b.namespace)
	_, err := quotas.Create(t.Context(), quota, metav1.CreateOptions{})
	b.must(err)
	b.eventually(func() bool {
		found, err := quotas.Get(t.Context(), "q", metav1.GetOptions{})
		b.must(err)
		return len(found.Status.Hard) == 2
	})
	b.apply(b.object(jobWith("")))
	b.checkAll(map[string]checkCase{
		"what there may be none of":                     {text: `{apiVersion: v1, kind: Secret, metadata: {name: s}}`, want: `exceeded quota: q`},
		"a Job for which there is no room":              {text: strings.Replace(jobWith(""), "migrate", "second", 1), want: `exceeded quota: q`},
		"a Job that takes the place of the only one":    {text: jobWith(""), replaces: true},
		"one more that takes the place, with a mistake": {text: jobWith("x: y,"), replaces: true, want: `spec.template.spec.x: unknown field`},
	})
}

func withoutTheRightToMakePodsTheyAreNotChecked(t *testing.T) {
	t.Parallel()
	b := newLimitedBench(t, may("get create patch", "jobs", "batch"), may("create patch", "rolebindings roles", rbacv1.GroupName))
	b.checkAll(map[string]checkCase{
		"a Job":                         {text: jobWith(""), unknown: `whether its Pods would be admitted: pods is forbidden: .*cannot create resource "pods"`},
		"what may not be written":       {text: `{apiVersion: v1, kind: Secret, metadata: {name: s}}`, want: `cannot patch resource "secrets"`},
		"a binding of a role that":      {text: bindingOf("soon"), want: `"soon" not found`},
		"a binding of a role to come":   {text: bindingOf("soon"), coming: "Role/soon", unknown: `the role that it binds does not exist yet`},
		"a role with more than one has": {text: `{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: r}, rules: [{apiGroups: [""], resources: [secrets], verbs: [get]}]}`, want: `attempting to grant RBAC permissions not currently held`},
	})
}

func bindingOf(role string) string {
	return `{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: b},
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: ` + role + `}, subjects: [{kind: ServiceAccount, name: s, namespace: x}]}`
}

// Policies that refuse Pods without an owner are common; those of a Job have one.
func thePodsThatAreCheckedHaveAnOwner(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.owned()
	naked := b.object(`{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: i}]}}`)
	b.eventually(func() bool {
		// The API server takes a moment to heed the policy.
		answers, err := b.DryRun(t.Context(), []kube.DryRun{{Object: naked}})
		b.must(err)
		return answers[0].Err != nil && strings.Contains(answers[0].Err.Error(), "it has no owner")
	})
	b.checkAll(map[string]checkCase{"a Job": {text: jobWith("")}, "a Deployment": {text: deployment}})
}

// owned forbids Pods without an owner in the namespace.
func (b *bench) owned() {
	b.Helper()
	rule := admissionv1.RuleWithOperations{
		Operations: []admissionv1.OperationType{admissionv1.Create},
		Rule:       admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
	}
	policy := &admissionv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: b.namespace + "-owned"},
		Spec: admissionv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admissionv1.MatchResources{ResourceRules: []admissionv1.NamedRuleWithOperations{{RuleWithOperations: rule}}},
			Validations:      []admissionv1.Validation{{Expression: "has(object.metadata.ownerReferences)", Message: "it has no owner"}},
		},
	}
	binding := &admissionv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: b.namespace + "-owned"},
		Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: b.namespace + "-owned", ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny},
			MatchResources: &admissionv1.MatchResources{
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": b.namespace}},
			},
		},
	}
	admission := b.admin.AdmissionregistrationV1()
	_, err := admission.ValidatingAdmissionPolicies().Create(b.Context(), policy, metav1.CreateOptions{})
	b.must(err)
	_, err = admission.ValidatingAdmissionPolicyBindings().Create(b.Context(), binding, metav1.CreateOptions{})
	b.must(err)
	b.Cleanup(func() {
		ctx := context.WithoutCancel(b.Context())
		b.must(admission.ValidatingAdmissionPolicyBindings().Delete(ctx, binding.Name, metav1.DeleteOptions{}))
		b.must(admission.ValidatingAdmissionPolicies().Delete(ctx, policy.Name, metav1.DeleteOptions{}))
	})
}

// webhook is what is asked about the ConfigMaps of a namespace before they are written. There is nobody who answers.
func (b *bench) webhook() {
	b.Helper()
	url, fail, effects := "https://127.0.0.1:1/", admissionv1.Fail, admissionv1.SideEffectClassNone
	hook := &admissionv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: b.namespace},
		Webhooks: []admissionv1.ValidatingWebhook{{
			Name: "asked.example.com", AdmissionReviewVersions: []string{"v1"}, SideEffects: &effects, FailurePolicy: &fail,
			ClientConfig:      admissionv1.WebhookClientConfig{URL: &url},
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": b.namespace}},
			Rules: []admissionv1.RuleWithOperations{{
				Operations: []admissionv1.OperationType{admissionv1.Create},
				Rule:       admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"configmaps"}},
			}},
		}},
	}
	hooks := b.admin.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	_, err := hooks.Create(b.Context(), hook, metav1.CreateOptions{})
	b.must(err)
	b.Cleanup(func() { b.must(hooks.Delete(context.WithoutCancel(b.Context()), b.namespace, metav1.DeleteOptions{})) })
}

func dryRunKnowsWebhooks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.webhook()
	var answer kube.DryRunResult
	b.eventually(func() bool {
		// The API server takes a moment to heed it.
		answers, err := b.DryRun(t.Context(), []kube.DryRun{{Object: b.object(`{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}`)}})
		b.must(err)
		answer = answers[0]
		return answer != kube.DryRunResult{}
	})
	if answer.Err == nil || !strings.Contains(answer.Err.Error(), `failed calling webhook "asked.example.com"`) {
		t.Errorf("the answer is %+v", answer)
	}
}

const setWithClaims = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: db, volumeMounts: [{name: data, mountPath: /data}]}], VOLUMES}
  volumeClaimTemplates:
    - {metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
`

func dryRunGivesThePodsOfASetItsClaims(t *testing.T) {
	t.Parallel()
	newBench(t).checkAll(map[string]checkCase{
		"its Pods mount a claim":              {text: strings.Replace(setWithClaims, "VOLUMES", "volumes: []", 1)},
		"a claim takes the place of a volume": {text: strings.Replace(setWithClaims, "VOLUMES", "volumes: [{name: data, emptyDir: {}}]", 1)},
		"its Pods mount what is neither here nor there": {
			text: strings.Replace(setWithClaims, "VOLUMES", "initContainers: [{name: i, image: i, volumeMounts: [{name: none, mountPath: /none}]}]", 1),
			want: `StatefulSet.*volumeMounts\[0\].name: Not found: "none"`,
		},
	})
}
