package health_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
)

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
	want   health.State
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	t.Run("of Deployments", readinessOfDeployments)
	t.Run("of other workloads", readinessOfOtherWorkloads)
	t.Run("of other kinds", readinessOfOtherKinds)
	t.Run("by conditions", readinessByConditions)
	t.Run("by conditions of the present generation", readinessByConditionsOfThePresentGeneration)
}

func readinessOfDeployments(t *testing.T) {
	t.Parallel()
	checkReadiness(t, map[string]readyTest{
		"a Deployment that is rolled out": {
			deploymentState("generation: 2", "", "observedGeneration: 2, replicas: 1, updatedReplicas: 1, availableReplicas: 1"),
			health.State{Ready: true, Message: `deployment "web" successfully rolled out`},
		},
		"a Deployment whose status is of the last generation": {
			deploymentState("generation: 2", "", "observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1"),
			health.State{Message: "Waiting for deployment spec update to be observed"},
		},
		"a Deployment without a status": {
			deploymentState("generation: 1", "", ""), health.State{Message: "Waiting for deployment spec update to be observed"},
		},
		"a Deployment with an old Pod": {
			deploymentState("generation: 2", "", "observedGeneration: 2, replicas: 2, updatedReplicas: 1, availableReplicas: 2"),
			health.State{Message: `Waiting for deployment "web" rollout to finish: 1 old replicas are pending termination`},
		},
		"a Deployment that is paused": {
			deploymentState("generation: 2", "paused: true", ""), health.State{Skipped: true, Message: "its rollout is paused"},
		},
		"a Deployment that exceeded its deadline": {
			deploymentState(wrote("2026-01-01T09:50:00Z"), "", timedOut),
			health.State{Failed: true, Late: true, Message: `deployment "web" exceeded its progress deadline`},
		},
		"a Deployment that exceeded its deadline before it was changed": {
			deploymentState(wrote("2026-01-01T10:00:00Z"), "", timedOut),
			health.State{Message: "waiting for the spec update to make progress"},
		},
	})
}

func readinessOfOtherWorkloads(t *testing.T) {
	t.Parallel()
	checkReadiness(t, map[string]readyTest{
		"a StatefulSet that is rolled out": {
			`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, generation: 1}, spec: {replicas: 1, updateStrategy: {type: RollingUpdate}}, status: {observedGeneration: 1, replicas: 1, readyReplicas: 1, currentReplicas: 1, currentRevision: a, updateRevision: a}}`,
			health.State{Ready: true, Message: "statefulset rolling update complete 1 pods at revision a"},
		},
		"a StatefulSet that is not": {
			`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, generation: 1}, spec: {replicas: 1, updateStrategy: {type: RollingUpdate}}, status: {observedGeneration: 1, replicas: 1}}`,
			health.State{Message: "Waiting for 1 pods to be ready"},
		},
		"a StatefulSet that is not rolled": {
			`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {updateStrategy: {type: OnDelete}}}`,
			health.State{Skipped: true, Message: "its Pods are updated only when they are deleted (OnDelete)"},
		},
		"a DaemonSet that is rolled out": {
			`{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent, generation: 1}, spec: {updateStrategy: {type: RollingUpdate}}, status: {observedGeneration: 1, desiredNumberScheduled: 1, updatedNumberScheduled: 1, numberAvailable: 1}}`,
			health.State{Ready: true, Message: `daemon set "agent" successfully rolled out`},
		},
		"a DaemonSet that is not": {
			`{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent, generation: 1}, spec: {updateStrategy: {type: RollingUpdate}}, status: {observedGeneration: 1, desiredNumberScheduled: 1, updatedNumberScheduled: 1}}`,
			health.State{Message: `Waiting for daemon set "agent" rollout to finish: 0 of 1 updated pods are available`},
		},
		"anything that is being deleted": {
			`{apiVersion: v1, kind: ConfigMap, metadata: {name: one, deletionTimestamp: "2026-01-01T10:00:00Z"}}`,
			health.State{Failed: true, Message: "it is being deleted"},
		},
	})
}

func checkReadiness(t *testing.T, tests map[string]readyTest) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := health.Readiness(readState(t, test.object), nil, nil)
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func readinessOfOtherKinds(t *testing.T) {
	t.Parallel()
	checkReadiness(t, map[string]readyTest{
		"a Job that runs":      {`{apiVersion: batch/v1, kind: Job, status: {active: 1}}`, health.State{Message: "the Job has not completed yet"}},
		"a Job that completed": {`{apiVersion: batch/v1, kind: Job, status: {conditions: [{type: Complete, status: "True"}]}}`, health.State{Ready: true}},
		"a Job that is failing": {
			`{apiVersion: batch/v1, kind: Job, status: {conditions: [{type: FailureTarget, status: "True"}]}}`,
			health.State{Failed: true, Message: "the Job has failed"},
		},
		"a Job that failed": {
			`{apiVersion: batch/v1, kind: Job, status: {conditions: [{type: Failed, status: "True", reason: DeadlineExceeded, message: too long}]}}`,
			health.State{Failed: true, Message: "the Job has failed: DeadlineExceeded: too long"},
		},
		"a Job that is suspended": {`{apiVersion: batch/v1, kind: Job, spec: {suspend: true}}`, health.State{Message: "the Job is suspended"}},
		"a Pod that starts":       {`{apiVersion: v1, kind: Pod, status: {phase: Pending}}`, health.State{Message: "the Pod is not ready"}},
		"a Pod that is not ready": {
			`{apiVersion: v1, kind: Pod, status: {phase: Running, conditions: [{type: Ready, status: "False", message: "containers with unready status: [main]"}]}}`,
			health.State{Message: "the Pod is not ready: containers with unready status: [main]"},
		},
		"a Pod that is ready":  {`{apiVersion: v1, kind: Pod, status: {phase: Running, conditions: [{type: Ready, status: "True"}]}}`, health.State{Ready: true}},
		"a Pod that succeeded": {`{apiVersion: v1, kind: Pod, status: {phase: Succeeded, conditions: [{type: Ready, status: "False"}]}}`, health.State{Ready: true}},
		"a Pod that failed":    {`{apiVersion: v1, kind: Pod, status: {phase: Failed, reason: Evicted, message: low on memory}}`, health.State{Failed: true, Message: "the Pod has failed: Evicted: low on memory"}},
		"a Pod without a node is not lost": {
			`{apiVersion: v1, kind: Pod, metadata: {creationTimestamp: "2020-01-01T00:00:00Z"}, status: {phase: Pending, conditions: [{type: PodScheduled, status: "False", reason: Unschedulable, lastTransitionTime: "2020-01-01T00:00:00Z"}]}}`,
			health.State{Message: "the Pod is not ready"},
		},
		"a claim that is bound": {`{apiVersion: v1, kind: PersistentVolumeClaim, status: {phase: Bound}}`, health.State{Ready: true}},
		"a claim that is not":   {`{apiVersion: v1, kind: PersistentVolumeClaim, spec: {storageClassName: fast}, status: {phase: Pending}}`, health.State{Message: "the claim is not bound", Class: "fast"}},
		"a claim that has its consumer": {
			`{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {annotations: {volume.kubernetes.io/selected-node: node-1}}, spec: {storageClassName: fast}, status: {phase: Pending}}`,
			health.State{Message: "the claim is not bound"},
		},
		"a claim that lost its volume":    {`{apiVersion: v1, kind: PersistentVolumeClaim, status: {phase: Lost}}`, health.State{Failed: true, Message: "the claim has lost its volume"}},
		"a Service":                       {`{apiVersion: v1, kind: Service, spec: {type: ClusterIP}}`, health.State{Ready: true}},
		"a LoadBalancer without address":  {`{apiVersion: v1, kind: Service, spec: {type: LoadBalancer}, status: {loadBalancer: {}}}`, health.State{Message: "the load balancer has no address"}},
		"a LoadBalancer with one":         {`{apiVersion: v1, kind: Service, spec: {type: LoadBalancer}, status: {loadBalancer: {ingress: [{ip: 10.0.0.1}]}}}`, health.State{Ready: true}},
		"a definition that is not served": {`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: c}}`, health.State{Message: "Install in progress"}},
		"a definition that is served": {
			`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: c}, status: {conditions: [{type: NamesAccepted, status: "True"}, {type: Established, status: "True"}]}}`,
			health.State{Ready: true, Message: "CRD is established"},
		},
		"a custom resource that is not ready": {
			`{apiVersion: example/v1, kind: Widget, metadata: {name: w}, status: {conditions: [{type: Ready, status: "False", message: not built}]}}`,
			health.State{Message: "not built"},
		},
		"a custom resource that has failed": {
			`{apiVersion: example/v1, kind: Widget, metadata: {name: w}, status: {conditions: [{type: Stalled, status: "True", message: no plan}]}}`,
			health.State{Failed: true, Message: "no plan"},
		},
		"a ConfigMap": {`{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}`, health.State{Ready: true, Message: "Resource is always ready"}},
	})
}

func readinessByConditions(t *testing.T) {
	t.Parallel()
	const job = `{apiVersion: batch/v1, kind: Job, status: {active: 1, conditions: [{type: Failed, status: "True", reason: Broken}]}}`
	for name, test := range map[string]struct {
		object, ready, failed string
		want                  health.State
	}{
		"ready":                               {object: `{status: {active: 1}}`, ready: "jsonpath={.status.active}=1", want: health.State{Ready: true}},
		"not ready":                           {object: `{status: {active: 1}}`, ready: "jsonpath={.status.active}=2", want: health.State{Message: "waiting for jsonpath={.status.active}=2"}},
		"failed in the kind's own way":        {object: job, ready: "jsonpath={.status.active}=1", want: health.State{Failed: true, Message: "the Job has failed: Broken"}},
		"failed in a way that does not count": {object: job, ready: "jsonpath={.status.active}=1", failed: "condition=Other", want: health.State{Ready: true}},
		"failed, with the condition's words":  {object: job, failed: "condition=Failed", want: health.State{Failed: true, Message: "condition=Failed is met: Broken"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := health.Readiness(readState(t, test.object), parsed(t, test.ready), parsed(t, test.failed))
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func readinessByConditionsOfThePresentGeneration(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status string
		want   bool
	}{
		"ready":                    {`conditions: [{type: Ready, status: "True", observedGeneration: 2}]`, true},
		"ready before":             {`conditions: [{type: Ready, status: "True", observedGeneration: 1}]`, false},
		"ready, stalled before":    {`conditions: [{type: Ready, status: "True", observedGeneration: 2}, {type: Stalled, status: "True", observedGeneration: 1}]`, true},
		"ready, as far as is said": {`conditions: [{type: Ready, status: "True"}]`, true},
	} {
		got, err := health.Readiness(readState(t, lagging(test.status)), nil, nil)
		if err != nil || got.Ready != test.want || got.Failed {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func parsed(t *testing.T, text string) health.Conditions {
	t.Helper()
	if text == "" {
		return nil
	}
	conditions, err := health.ParseConditions(text)
	if err != nil {
		t.Fatal(err)
	}
	return conditions
}
