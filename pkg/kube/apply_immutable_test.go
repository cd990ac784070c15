package kube_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
)

// edit is a change of an object that is there, and what is said of it.
type edit struct {
	// object is the YAML of an object called NAME.
	object string
	// old is what new replaces in it, once.
	old, new string
	// want is the error without "applying " and the object; "" for none.
	want string
	// once is a field that must have a value before the change, as in
	// "phase=Bound" of the status; "" for none.
	once string
}

// checkEdits applies each object and then its change.
func checkEdits(t *testing.T, edits map[string]edit) {
	t.Helper()
	b, count := newBench(t), 0
	for name, edit := range edits {
		count++
		unique := fmt.Sprintf("%s-%d", b.namespace, count)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			(&bench{T: t, Cluster: b.Cluster, namespace: b.namespace, dynamic: b.dynamic}).checkEdit(edit, unique)
		})
	}
}

func (b *bench) checkEdit(edit edit, name string) {
	b.Helper()
	before := b.scoped(strings.ReplaceAll(edit.object, "NAME", name))
	b.removeLater(before)
	b.apply(before)
	if field, value, found := strings.Cut(edit.once, "="); found {
		b.eventually(func() bool { return statusOf(b.live(before), field) == value })
	}
	changed := strings.Replace(edit.object, edit.old, edit.new, 1)
	if changed == edit.object {
		b.Fatalf("%q is not in the object", edit.old)
	}
	after := b.scoped(strings.ReplaceAll(changed, "NAME", name))
	err := b.Apply(b.Context(), []*unstructured.Unstructured{after}, kube.ApplyOptions{}, nil)
	said := strings.ReplaceAll(strings.TrimPrefix(fmt.Sprint(err), "applying "+named(after)+": "), name, "NAME")
	if diff := cmp.Diff(edit.want, strings.TrimPrefix(said, "<nil>")); diff != "" {
		b.Errorf("error (-want +got):\n%s", diff)
	}
	var immutable *refusal.ImmutableError
	if want := strings.HasPrefix(edit.want, "immutable: "); errors.As(err, &immutable) != want {
		b.Errorf("the error is a %T", err)
	}
}

// scoped reads an object and puts it into the test's namespace if its kind has
// one.
func (b *bench) scoped(text string) *unstructured.Unstructured {
	b.Helper()
	object := b.object(text)
	namespaced, err := b.Namespaced(object.GroupVersionKind())
	b.must(err)
	if !namespaced {
		object.SetNamespace("")
	}
	return object
}

// removeLater deletes the object when the test ends, unless that is done with
// the test's namespace.
func (b *bench) removeLater(object *unstructured.Unstructured) {
	if object.GetNamespace() != "" {
		return
	}
	b.Cleanup(func() {
		err := b.client(object).Delete(context.WithoutCancel(b.Context()), object.GetName(), metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			b.Error(err)
		}
	})
}

// named is how errors name an object.
func named(object *unstructured.Unstructured) string {
	if object.GetNamespace() == "" {
		return object.GetKind() + "/" + object.GetName()
	}
	return object.GetKind() + "/" + object.GetNamespace() + "/" + object.GetName()
}

// statusOf is a field of the status, or the status of a condition.
func statusOf(object *unstructured.Unstructured, field string) string {
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, condition := range conditions {
		if content, _ := condition.(map[string]any); content["type"] == field {
			return fmt.Sprint(content["status"])
		}
	}
	value, _, _ := unstructured.NestedString(object.Object, "status", field)
	return value
}

const (
	selected = "selector: {matchLabels: {app: x}}, template: {metadata: {labels: {app: x, tier: front}}, spec: {containers: [{name: web, image: nginx}]}}"

	fixedJob    = "{apiVersion: batch/v1, kind: Job, metadata: {name: NAME}, spec: {parallelism: 0, completions: 2, completionMode: NonIndexed, backoffLimit: 2, template: {spec: {restartPolicy: Never, containers: [{name: web, image: nginx, env: [{name: A, value: hidden}]}]}}}}"
	selectedJob = "{apiVersion: batch/v1, kind: Job, metadata: {name: NAME}, spec: {parallelism: 0, manualSelector: true, selector: {matchLabels: {app: x}}, template: {metadata: {labels: {app: x, tier: front}}, spec: {restartPolicy: Never, containers: [{name: web, image: nginx}]}}}}"
	fixedSet    = "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: NAME}, spec: {replicas: 0, serviceName: one, podManagementPolicy: OrderedReady, volumeClaimTemplates: [{metadata: {name: v}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}], " + selected + "}}"
	fixedPod    = "{apiVersion: v1, kind: Pod, metadata: {name: NAME}, spec: {terminationGracePeriodSeconds: 0, containers: [{name: web, image: nginx, command: [run], env: [{name: A, value: hidden}]}]}}"

	setRefusal = "immutable: spec: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
	podRefusal = "immutable: spec: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)

func TestApplyImmutable(t *testing.T) {
	t.Parallel()
	t.Run("fields of Jobs and Pods", immutableFieldsOfJobsAndPods)
	t.Run("fields of workloads", immutableFieldsOfWorkloads)
	t.Run("fields of configuration", immutableFieldsOfConfiguration)
	t.Run("fields of storage", immutableFieldsOfStorage)
	t.Run("a claim that is bound does not shrink", aClaimThatIsBoundDoesNotShrink)
	t.Run("fields of definitions", immutableFieldsOfDefinitions)
	t.Run("fields of custom resources", immutableFieldsOfCustomResources)
	t.Run("a Job that loses the metadata of its Pods", aJobThatLosesTheMetadataOfItsPods)
}

func immutableFieldsOfJobsAndPods(t *testing.T) {
	t.Parallel()
	checkEdits(t, map[string]edit{
		"a Job's template":         {object: fixedJob, old: "nginx", new: "busybox", want: "immutable: spec.template: field is immutable"},
		"a Job's completions":      {object: fixedJob, old: "completions: 2", new: "completions: 3", want: "immutable: spec.completions: field is immutable"},
		"a Job's completion mode":  {object: fixedJob, old: "NonIndexed", new: "Indexed", want: "immutable: spec.completionMode: field is immutable"},
		"a Job's selector":         {object: selectedJob, old: "{app: x}", new: "{tier: front}", want: "immutable: spec.selector: field is immutable"},
		"several fields of a Job":  {object: fixedJob, old: "completions: 2, completionMode: NonIndexed", new: "completions: 3, completionMode: Indexed", want: "immutable: spec.completions: can only be modified in tandem with spec.parallelism, spec.completionMode: field is immutable"},
		"a Job's backoff limit":    {object: fixedJob, old: "backoffLimit: 2", new: "backoffLimit: 3"},
		"a Pod's command":          {object: fixedPod, old: "[run]", new: "[walk]", want: podRefusal},
		"a Pod's environment":      {object: fixedPod, old: "hidden", new: "shown", want: podRefusal},
		"one more container":       {object: fixedPod, old: "containers:", new: "initContainers: [{name: first, image: nginx}], containers:", want: "immutable: spec.initContainers: pod updates may not add or remove containers"},
		"a Pod's image":            {object: fixedPod, old: "nginx", new: "busybox"},
		"an invalid image":         {object: fixedPod, old: "nginx", new: `" nginx"`, want: `Pod "NAME" is invalid: spec.containers[0].image: Invalid value: " nginx": must not have leading or trailing whitespace`},
		"an invalid backoff limit": {object: fixedJob, old: "backoffLimit: 2", new: "backoffLimit: -2", want: `Job.batch "NAME" is invalid: spec.backoffLimit: Invalid value: -2: must be greater than or equal to 0`},
	})
}

func immutableFieldsOfWorkloads(t *testing.T) {
	t.Parallel()
	const (
		web  = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: NAME}, spec: {replicas: 0, " + selected + "}}"
		also = `Deployment.apps "NAME" is invalid: [spec.replicas: Invalid value: -1: must be greater than or equal to 0, spec.selector: Invalid value: {"matchLabels":{"tier":"front"}}: field is immutable]`
	)
	checkEdits(t, map[string]edit{
		"a Deployment's selector":                     {object: web, old: "{app: x}", new: "{tier: front}", want: "immutable: spec.selector: field is immutable"},
		"a Deployment's selector, and a wrong number": {object: web, old: "replicas: 0, selector: {matchLabels: {app: x}}", new: "replicas: -1, selector: {matchLabels: {tier: front}}", want: also},
		"a Deployment's wrong number":                 {object: web, old: "replicas: 0", new: "replicas: -1", want: `Deployment.apps "NAME" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0`},
		"a Deployment's image":                        {object: web, old: "nginx", new: "busybox"},
		"a ReplicaSet's selector":                     {object: strings.Replace(web, "Deployment", "ReplicaSet", 1), old: "{app: x}", new: "{tier: front}", want: "immutable: spec.selector: field is immutable"},
		"a DaemonSet's selector":                      {object: "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: NAME}, spec: {" + selected + "}}", old: "{app: x}", new: "{tier: front}", want: "immutable: spec.selector: field is immutable"},
		"a StatefulSet's claims":                      {object: fixedSet, old: "1Gi", new: "2Gi", want: setRefusal},
		"a StatefulSet's service":                     {object: fixedSet, old: "one", new: "two", want: setRefusal},
		"a StatefulSet's order":                       {object: fixedSet, old: "OrderedReady", new: "Parallel", want: setRefusal},
		"a StatefulSet's selector":                    {object: fixedSet, old: "{app: x}", new: "{tier: front}", want: setRefusal},
		"a StatefulSet's image":                       {object: fixedSet, old: "nginx", new: "busybox"},
		"a Service's address":                         {object: "{apiVersion: v1, kind: Service, metadata: {name: NAME}, spec: {ports: [{port: 80}]}}", old: "ports", new: "clusterIP: None, ports", want: "immutable: spec.clusterIPs[0]: may not change once set"},
		"a Service's wrong protocol":                  {object: "{apiVersion: v1, kind: Service, metadata: {name: NAME}, spec: {ports: [{port: 80}]}}", old: "port: 80", new: "port: 80, protocol: ICMP", want: `Service "NAME" is invalid: spec.ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"`},
		"a disruption budget's selector":              {object: "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: NAME}, spec: {minAvailable: 1, selector: {matchLabels: {app: x}}}}", old: "app: x", new: "app: z"},
	})
}

func immutableFieldsOfConfiguration(t *testing.T) {
	t.Parallel()
	const (
		settings = "{apiVersion: v1, kind: ConfigMap, metadata: {name: NAME}, immutable: true, data: {a: hidden}, binaryData: {b: YQ==}}"
		secret   = "{apiVersion: v1, kind: Secret, metadata: {name: NAME}, immutable: true, type: Opaque, stringData: {a: hidden}}"
		locked   = "field is immutable when `immutable` is set"
		binding  = "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: NAME}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: one}}"
		quota    = "{apiVersion: v1, kind: ResourceQuota, metadata: {name: NAME}, spec: {scopes: [Terminating]}}"
	)
	checkEdits(t, map[string]edit{
		"a ConfigMap's data":           {object: settings, old: "hidden", new: "shown", want: "immutable: data: " + locked},
		"a ConfigMap's binary data":    {object: settings, old: "YQ==", new: "Yg==", want: "immutable: binaryData: " + locked},
		"a ConfigMap's immutability":   {object: settings, old: "true", new: "false", want: "immutable: immutable: " + locked},
		"a Secret's data":              {object: secret, old: "hidden", new: "shown", want: "immutable: data: " + locked},
		"a Secret's immutability":      {object: secret, old: "true", new: "false", want: "immutable: immutable: " + locked},
		"a Secret's data and type":     {object: secret, old: "Opaque, stringData: {a: hidden}", new: "x.example/y, stringData: {a: shown}", want: "immutable: type: field is immutable, data: " + locked},
		"a Secret's type":              {object: secret, old: "Opaque", new: "x.example/y", want: "immutable: type: field is immutable"},
		"a Secret's labels":            {object: secret, old: "name: NAME", new: "name: NAME, labels: {a: b}"},
		"a RoleBinding's role":         {object: binding, old: "one", new: "two", want: "immutable: roleRef: cannot change roleRef"},
		"a ClusterRoleBinding's role":  {object: strings.Replace(binding, "RoleBinding", "ClusterRoleBinding", 1), old: "one", new: "two", want: "immutable: roleRef: cannot change roleRef"},
		"a quota's scopes":             {object: quota, old: "Terminating", new: "NotTerminating", want: "immutable: spec.scopes: field is immutable"},
		"a PriorityClass's value":      {object: "{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: NAME}, value: 5}", old: "5", new: "6", want: "immutable: value: may not be changed in an update"},
		"a PriorityClass's policy":     {object: "{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: NAME}, value: 5, preemptionPolicy: Never}", old: "Never", new: "PreemptLowerPriority", want: "immutable: preemptionPolicy: field is immutable"},
		"a RuntimeClass's handler":     {object: "{apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {name: NAME}, handler: one}", old: "one", new: "two", want: "immutable: handler: field is immutable"},
		"an IngressClass's controller": {object: "{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: NAME}, spec: {controller: x.example/y}}", old: "/y", new: "/z", want: "immutable: spec.controller: field is immutable"},
		"an EndpointSlice's addresses": {object: "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: NAME}, addressType: IPv4, endpoints: []}", old: "IPv4", new: "IPv6", want: "immutable: addressType: field is immutable"},
	})
}

func immutableFieldsOfStorage(t *testing.T) {
	t.Parallel()
	const (
		claim  = "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: NAME}, spec: {storageClassName: NAME, accessModes: [ReadWriteOnce], resources: {requests: {storage: 2Gi}}}}"
		volume = "{apiVersion: v1, kind: PersistentVolume, metadata: {name: NAME}, spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /a}}}"
		class  = "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: NAME}, provisioner: x.example, reclaimPolicy: Delete, volumeBindingMode: Immediate, parameters: {a: b}}"
		driver = "{apiVersion: storage.k8s.io/v1, kind: CSIDriver, metadata: {name: NAME}, spec: {attachRequired: true, volumeLifecycleModes: [Persistent], podInfoOnMount: true}}"
		fixed  = "immutable: spec: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
	)
	checkEdits(t, map[string]edit{
		"a claim's class":                      {object: claim, old: "storageClassName: NAME", new: "storageClassName: other", want: fixed},
		"a claim's access modes":               {object: claim, old: "ReadWriteOnce", new: "ReadWriteMany", want: fixed},
		"a claim's size, before it is bound":   {object: claim, old: "2Gi", new: "1Gi", want: fixed},
		"a volume's source":                    {object: volume, old: "/a", new: "/b", want: "immutable: spec.persistentvolumesource: spec.persistentvolumesource is immutable after creation"},
		"a StorageClass's parameters":          {object: class, old: "a: b", new: "a: c", want: "immutable: parameters: field is immutable"},
		"a StorageClass's provisioner":         {object: class, old: "x.example", new: "y.example", want: "immutable: provisioner: field is immutable"},
		"a StorageClass's policy":              {object: class, old: "Delete", new: "Retain", want: "immutable: reclaimPolicy: field is immutable"},
		"a StorageClass's binding":             {object: class, old: "Immediate", new: "WaitForFirstConsumer", want: "immutable: volumeBindingMode: field is immutable"},
		"a VolumeAttributesClass's parameters": {object: "{apiVersion: storage.k8s.io/v1, kind: VolumeAttributesClass, metadata: {name: NAME}, driverName: x.example, parameters: {a: b}}", old: "a: b", new: "a: c", want: "immutable: parameters: updates to parameters are forbidden"},
		"a CSIDriver's attachment":             {object: driver, old: "true", new: "false", want: "immutable: spec.attachedRequired: field is immutable"},
		"a CSIDriver's modes":                  {object: driver, old: "Persistent", new: "Ephemeral", want: "immutable: spec.volumeLifecycleModes: field is immutable"},
		"a CSIDriver's Pods":                   {object: driver, old: "podInfoOnMount: true", new: "podInfoOnMount: false"},
	})
}

func aClaimThatIsBoundDoesNotShrink(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	volume := b.scoped("{apiVersion: v1, kind: PersistentVolume, metadata: {name: " + b.namespace + "}, spec: {capacity: {storage: 2Gi}, accessModes: [ReadWriteOnce], storageClassName: none, persistentVolumeReclaimPolicy: Retain, hostPath: {path: /a}}}")
	b.removeLater(volume)
	b.apply(volume)
	claim := "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: NAME}, spec: {storageClassName: none, volumeName: " + b.namespace + ", accessModes: [ReadWriteOnce], resources: {requests: {storage: 2Gi}}}}"
	b.checkEdit(edit{
		object: claim, old: "2Gi", new: "1Gi", once: "phase=Bound",
		want: "immutable: spec.resources.requests.storage: field can not be less than status.capacity",
	}, "claim")
}

func immutableFieldsOfDefinitions(t *testing.T) {
	t.Parallel()
	const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.NAME.example}
spec:
  group: NAME.example
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
`
	const served = "Established=True"
	checkEdits(t, map[string]edit{
		"the scope":      {object: definition, once: served, old: "Namespaced", new: "Cluster", want: "immutable: spec.scope: field is immutable"},
		"the kind":       {object: definition, once: served, old: "Widget", new: "Gadget", want: "immutable: spec.names.kind: field is immutable"},
		"the plural":     {object: definition, once: served, old: "plural: widgets", new: "plural: gadgets", want: "immutable: spec.names.plural: field is immutable"},
		"a wrong schema": {object: definition, once: served, old: "{type: object}", new: "{type: string}", want: `CustomResourceDefinition.apiextensions.k8s.io "widgets.NAME.example" is invalid: spec.validation.openAPIV3Schema.type: Invalid value: "string": must be object at the root`},
		"a schema":       {object: definition, once: served, old: "{type: object}", new: "{type: object, description: a widget}"},
	})
}

func immutableFieldsOfCustomResources(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	definition, kind := widgets(b)
	versions, _, err := unstructured.NestedSlice(definition.Object, "spec", "versions")
	b.must(err)
	fields := map[string]any{
		"zone": map[string]any{"type": "string", "x-kubernetes-validations": []any{map[string]any{"rule": "self == oldSelf"}}},
		"disk": map[string]any{"type": "string", "x-kubernetes-validations": []any{map[string]any{"rule": "self == oldSelf", "message": "the disk is immutable"}}},
		"size": map[string]any{"type": "integer", "x-kubernetes-validations": []any{map[string]any{"rule": "self > 0"}}},
	}
	version := versions[0].(map[string]any)
	b.must(unstructured.SetNestedField(version, fields, "schema", "openAPIV3Schema", "properties", "spec", "properties"))
	b.must(unstructured.SetNestedSlice(definition.Object, versions, "spec", "versions"))
	b.apply(definition)
	first := b.object("metadata: {name: first}")
	first.SetGroupVersionKind(kind)
	b.apply(first)
	widget := "{apiVersion: " + kind.GroupVersion().String() + ", kind: Widget, metadata: {name: NAME}, spec: {zone: hidden, disk: hidden, size: 3}}"
	for name, edit := range map[string]edit{
		"a-rule":         {old: "zone: hidden", new: "zone: b", want: "immutable: spec.zone: failed rule: self == oldSelf"},
		"a-message":      {old: "disk: hidden", new: "disk: b", want: "immutable: spec.disk: the disk is immutable"},
		"another-rule":   {old: "3", new: "-3", want: `Widget.KIND "NAME" is invalid: spec.size: Invalid value: -3: failed rule: self > 0`},
		"an-open-change": {old: "3", new: "4"},
	} {
		edit.object, edit.want = widget, strings.ReplaceAll(edit.want, "KIND", kind.Group)
		b.checkEdit(edit, name)
	}
}

// A Job whose template has no metadata any more loses the labels that the server gave it: what cannot be changed is the
// template.
func aJobThatLosesTheMetadataOfItsPods(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.apply(b.object(strings.Replace(jobWith(""), "template: {", "template: {metadata: {annotations: {a: b}}, ", 1)))
	err := b.Apply(t.Context(), []*unstructured.Unstructured{b.object(jobWith(""))}, kube.ApplyOptions{}, nil)
	var immutable *refusal.ImmutableError
	if !errors.As(err, &immutable) || !strings.HasSuffix(err.Error(), "immutable: spec.template: field is immutable") {
		t.Errorf("the error is %v", err)
	}
}
