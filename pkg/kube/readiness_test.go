package kube

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func decodeObject(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := yaml.UnmarshalStrict([]byte(flat(text)), &object.Object); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return object
}

func deploymentState(metadata, spec, status string) string {
	return `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, ` + metadata + `}, spec: {replicas: 1, ` + spec + `}, status: {` + status + `}}`
}

// wrote is the record of a write of fields other than the status.
func wrote(at string) string {
	return `generation: 2, managedFields: [{manager: sherpack, operation: Apply, time: "` + at + `"}, {manager: kcm, operation: Update, subresource: status, time: "2026-01-01T11:00:00Z"}]`
}

const timedOut = `observedGeneration: 2, replicas: 2, updatedReplicas: 1, availableReplicas: 1,
	conditions: [{type: Progressing, status: "False", reason: ProgressDeadlineExceeded, lastUpdateTime: "2026-01-01T10:00:00Z"}]`

// readyTest is an object and what is read out of it.
type readyTest struct {
	object string
	want   readyState
}

func TestReadinessOfDeployments(t *testing.T) {
	t.Parallel()
	checkReadiness(t, map[string]readyTest{
		"a Deployment that is rolled out": {
			deploymentState("generation: 2", "", "observedGeneration: 2, replicas: 1, updatedReplicas: 1, availableReplicas: 1"),
			readyState{ready: true, message: `deployment "web" successfully rolled out`},
		},
		"a Deployment whose status is of the last generation": {
			deploymentState("generation: 2", "", "observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1"),
			readyState{message: "Waiting for deployment spec update to be observed"},
		},
		"a Deployment without a status": {
			deploymentState("generation: 1", "", ""), readyState{message: "Waiting for deployment spec update to be observed"},
		},
		"a Deployment with an old Pod": {
			deploymentState("generation: 2", "", "observedGeneration: 2, replicas: 2, updatedReplicas: 1, availableReplicas: 2"),
			readyState{message: `Waiting for deployment "web" rollout to finish: 1 old replicas are pending termination`},
		},
		"a Deployment that is paused": {
			deploymentState("generation: 2", "paused: true", ""), readyState{skipped: true, message: "its rollout is paused"},
		},
		"a Deployment that exceeded its deadline": {
			deploymentState(wrote("2026-01-01T09:50:00Z"), "", timedOut),
			readyState{failed: true, late: true, message: `deployment "web" exceeded its progress deadline`},
		},
		"a Deployment that exceeded its deadline before it was changed": {
			deploymentState(wrote("2026-01-01T10:00:00Z"), "", timedOut),
			readyState{message: "waiting for the spec update to make progress"},
		},
	})
}

func TestReadinessOfOtherWorkloads(t *testing.T) {
	t.Parallel()
	checkReadiness(t, map[string]readyTest{
		"a StatefulSet that is rolled out": {
			`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, generation: 1}, spec: {replicas: 1, updateStrategy: {type: RollingUpdate}}, status: {observedGeneration: 1, replicas: 1, readyReplicas: 1, currentReplicas: 1, currentRevision: a, updateRevision: a}}`,
			readyState{ready: true, message: "statefulset rolling update complete 1 pods at revision a"},
		},
		"a StatefulSet that is not": {
			`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, generation: 1}, spec: {replicas: 1, updateStrategy: {type: RollingUpdate}}, status: {observedGeneration: 1, replicas: 1}}`,
			readyState{message: "Waiting for 1 pods to be ready"},
		},
		"a StatefulSet that is not rolled": {
			`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {updateStrategy: {type: OnDelete}}}`,
			readyState{skipped: true, message: "its Pods are updated only when they are deleted (OnDelete)"},
		},
		"a DaemonSet that is rolled out": {
			`{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent, generation: 1}, spec: {updateStrategy: {type: RollingUpdate}}, status: {observedGeneration: 1, desiredNumberScheduled: 1, updatedNumberScheduled: 1, numberAvailable: 1}}`,
			readyState{ready: true, message: `daemon set "agent" successfully rolled out`},
		},
		"a DaemonSet that is not": {
			`{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent, generation: 1}, spec: {updateStrategy: {type: RollingUpdate}}, status: {observedGeneration: 1, desiredNumberScheduled: 1, updatedNumberScheduled: 1}}`,
			readyState{message: `Waiting for daemon set "agent" rollout to finish: 0 of 1 updated pods are available`},
		},
		"anything that is being deleted": {
			`{apiVersion: v1, kind: ConfigMap, metadata: {name: one, deletionTimestamp: "2026-01-01T10:00:00Z"}}`,
			readyState{failed: true, message: "it is being deleted"},
		},
	})
}

func checkReadiness(t *testing.T, tests map[string]readyTest) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readiness(decodeObject(t, test.object), nil, nil)
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(readyState{})); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestReadinessOfOtherKinds(t *testing.T) {
	t.Parallel()
	checkReadiness(t, map[string]readyTest{
		"a Job that runs":      {`{apiVersion: batch/v1, kind: Job, status: {active: 1}}`, readyState{message: "the Job has not completed yet"}},
		"a Job that completed": {`{apiVersion: batch/v1, kind: Job, status: {conditions: [{type: Complete, status: "True"}]}}`, readyState{ready: true}},
		"a Job that is failing": {
			`{apiVersion: batch/v1, kind: Job, status: {conditions: [{type: FailureTarget, status: "True"}]}}`,
			readyState{failed: true, message: "the Job has failed"},
		},
		"a Job that failed": {
			`{apiVersion: batch/v1, kind: Job, status: {conditions: [{type: Failed, status: "True", reason: DeadlineExceeded, message: too long}]}}`,
			readyState{failed: true, message: "the Job has failed: DeadlineExceeded: too long"},
		},
		"a Job that is suspended": {`{apiVersion: batch/v1, kind: Job, spec: {suspend: true}}`, readyState{message: "the Job is suspended"}},
		"a Pod that starts":       {`{apiVersion: v1, kind: Pod, status: {phase: Pending}}`, readyState{message: "the Pod is not ready"}},
		"a Pod that is not ready": {
			`{apiVersion: v1, kind: Pod, status: {phase: Running, conditions: [{type: Ready, status: "False", message: "containers with unready status: [main]"}]}}`,
			readyState{message: "the Pod is not ready: containers with unready status: [main]"},
		},
		"a Pod that is ready":  {`{apiVersion: v1, kind: Pod, status: {phase: Running, conditions: [{type: Ready, status: "True"}]}}`, readyState{ready: true}},
		"a Pod that succeeded": {`{apiVersion: v1, kind: Pod, status: {phase: Succeeded, conditions: [{type: Ready, status: "False"}]}}`, readyState{ready: true}},
		"a Pod that failed":    {`{apiVersion: v1, kind: Pod, status: {phase: Failed, reason: Evicted, message: low on memory}}`, readyState{failed: true, message: "the Pod has failed: Evicted: low on memory"}},
		"a Pod without a node is not lost": {
			`{apiVersion: v1, kind: Pod, metadata: {creationTimestamp: "2020-01-01T00:00:00Z"}, status: {phase: Pending, conditions: [{type: PodScheduled, status: "False", reason: Unschedulable, lastTransitionTime: "2020-01-01T00:00:00Z"}]}}`,
			readyState{message: "the Pod is not ready"},
		},
		"a claim that is bound": {`{apiVersion: v1, kind: PersistentVolumeClaim, status: {phase: Bound}}`, readyState{ready: true}},
		"a claim that is not":   {`{apiVersion: v1, kind: PersistentVolumeClaim, spec: {storageClassName: fast}, status: {phase: Pending}}`, readyState{message: "the claim is not bound", class: "fast"}},
		"a claim that has its consumer": {
			`{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {annotations: {volume.kubernetes.io/selected-node: node-1}}, spec: {storageClassName: fast}, status: {phase: Pending}}`,
			readyState{message: "the claim is not bound"},
		},
		"a claim that lost its volume":    {`{apiVersion: v1, kind: PersistentVolumeClaim, status: {phase: Lost}}`, readyState{failed: true, message: "the claim has lost its volume"}},
		"a Service":                       {`{apiVersion: v1, kind: Service, spec: {type: ClusterIP}}`, readyState{ready: true}},
		"a LoadBalancer without address":  {`{apiVersion: v1, kind: Service, spec: {type: LoadBalancer}, status: {loadBalancer: {}}}`, readyState{message: "the load balancer has no address"}},
		"a LoadBalancer with one":         {`{apiVersion: v1, kind: Service, spec: {type: LoadBalancer}, status: {loadBalancer: {ingress: [{ip: 10.0.0.1}]}}}`, readyState{ready: true}},
		"a definition that is not served": {`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: c}}`, readyState{message: "Install in progress"}},
		"a definition that is served": {
			`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: c}, status: {conditions: [{type: NamesAccepted, status: "True"}, {type: Established, status: "True"}]}}`,
			readyState{ready: true, message: "CRD is established"},
		},
		"a custom resource that is not ready": {
			`{apiVersion: example/v1, kind: Widget, metadata: {name: w}, status: {conditions: [{type: Ready, status: "False", message: not built}]}}`,
			readyState{message: "not built"},
		},
		"a custom resource that has failed": {
			`{apiVersion: example/v1, kind: Widget, metadata: {name: w}, status: {conditions: [{type: Stalled, status: "True", message: no plan}]}}`,
			readyState{failed: true, message: "no plan"},
		},
		"a ConfigMap": {`{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}`, readyState{ready: true, message: "Resource is always ready"}},
	})
}

func TestReadinessByConditions(t *testing.T) {
	t.Parallel()
	const job = `{apiVersion: batch/v1, kind: Job, status: {active: 1, conditions: [{type: Failed, status: "True", reason: Broken}]}}`
	for name, test := range map[string]struct {
		object, ready, failed string
		want                  readyState
	}{
		"ready":                               {object: `{status: {active: 1}}`, ready: "jsonpath={.status.active}=1", want: readyState{ready: true}},
		"not ready":                           {object: `{status: {active: 1}}`, ready: "jsonpath={.status.active}=2", want: readyState{message: "waiting for jsonpath={.status.active}=2"}},
		"failed in the kind's own way":        {object: job, ready: "jsonpath={.status.active}=1", want: readyState{failed: true, message: "the Job has failed: Broken"}},
		"failed in a way that does not count": {object: job, ready: "jsonpath={.status.active}=1", failed: "condition=Other", want: readyState{ready: true}},
		"failed, with the condition's words":  {object: job, failed: "condition=Failed", want: readyState{failed: true, message: "condition=Failed is met: Broken"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readiness(decodeObject(t, test.object), parsed(t, test.ready), parsed(t, test.failed))
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(readyState{})); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func parsed(t *testing.T, text string) Conditions {
	t.Helper()
	if text == "" {
		return nil
	}
	conditions, err := ParseConditions(text)
	if err != nil {
		t.Fatal(err)
	}
	return conditions
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const (
		running  = `{apiVersion: batch/v1, kind: Job, status: {active: 1}}`
		dying    = `{apiVersion: batch/v1, kind: Job, metadata: {deletionTimestamp: "2026-01-01T10:00:00Z"}, status: {active: 1}}`
		complete = `{apiVersion: batch/v1, kind: Job, status: {conditions: [{type: Complete, status: "True"}]}}`
		broken   = `{apiVersion: batch/v1, kind: Job, status: {conditions: [{type: Failed, status: "True", reason: DeadlineExceeded, message: too long}]}}`
		pod      = `{apiVersion: v1, kind: Pod, status: {phase: Running}}`
	)
	for name, test := range map[string]struct {
		object        string
		gone          bool
		ready, failed string
		want          verdict
	}{
		"a Job that runs":                        {object: running},
		"a Job that is complete":                 {object: complete, want: succeeded()},
		"a Job that failed":                      {object: broken, want: verdict{done: true, reason: "DeadlineExceeded", message: "too long"}},
		"a Job that was removed once complete":   {object: complete, gone: true, want: succeeded()},
		"a Job that was removed before":          {object: running, gone: true, want: deleted("it was deleted before it finished")},
		"a Job that is being deleted":            {object: dying, want: deleted("it is being deleted and has not finished")},
		"a Job whose deletion is waited for":     {object: dying, ready: "delete"},
		"what was never seen":                    {object: "", gone: true, want: deleted("it was deleted before it finished")},
		"ready-when is not complete":             {object: complete, ready: "condition=Other"},
		"ready-when leaves failing to the kind":  {object: broken, ready: "condition=Other", want: verdict{done: true, reason: "DeadlineExceeded", message: "too long"}},
		"failed-when before ready-when":          {object: running, ready: "create", failed: "create", want: verdict{done: true, reason: "FailedWhen", message: "create is met"}},
		"failed-when leaves success to the kind": {object: complete, failed: "condition=Other", want: succeeded()},
		"a Pod that runs":                        {object: pod},
		"any other kind waits for its condition": {object: `{apiVersion: v1, kind: ConfigMap}`, failed: "condition=Other"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var object *unstructured.Unstructured
			if test.object != "" {
				object = decodeObject(t, test.object)
			}
			got, err := judge(object, test.gone, parsed(t, test.ready), parsed(t, test.failed))
			if got != test.want || err != nil {
				t.Errorf("%+v, %v, want %+v", got, err, test.want)
			}
		})
	}
}

func TestFinished(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{apiVersion: batch/v1, kind: Job, status: {active: 1}}`:                                           false,
		`{apiVersion: batch/v1, kind: Job, status: {conditions: [{type: FailureTarget, status: "True"}]}}`: false,
		`{apiVersion: batch/v1, kind: Job, status: {conditions: [{type: Complete, status: "True"}]}}`:      true,
		`{apiVersion: batch/v1, kind: Job, status: {conditions: [{type: Failed, status: "True"}]}}`:        true,
		`{apiVersion: v1, kind: Pod, status: {phase: Running}}`:                                            false,
		`{apiVersion: v1, kind: Pod, status: {phase: Failed}}`:                                             true,
		`{apiVersion: v1, kind: Pod, status: {phase: Succeeded}}`:                                          true,
		`{apiVersion: example/v1, kind: Job, status: {conditions: [{type: Complete, status: "True"}]}}`:    false,
		`{}`: false,
	} {
		if got := Finished(decodeObject(t, text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
