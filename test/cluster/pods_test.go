package main

import (
	"fmt"
	"strings"
	"testing"
)

// step runs kubectl in the test's namespace; want, if set, is in what it prints.
type step struct {
	kubectl string
	want    string
}

const (
	firstState = "{.items[0].status.containerStatuses[0].state}"
	waitLong   = "--timeout=2m"
)

// life is a manifest and what becomes of it.
type life struct {
	manifest string
	steps    []step
}

func TestHowContainersEnd(t *testing.T) {
	t.Parallel()
	playAll(t, map[string]life{
		"a Job completes": {
			manifest: job("{}", "Never"),
			steps: []step{
				{"wait job/it --for=condition=Complete " + waitLong, ""},
				{"get pods -o jsonpath={.items[*].status.phase}", "Succeeded"},
			},
		},
		"an exit code fails a Job": {
			manifest: job(`{sim.sherpack.io/exit-code: "3"}`, "Never"),
			steps: []step{
				{"wait job/it --for=condition=Failed " + waitLong, ""},
				{"get pods -o jsonpath=" + firstState, `"exitCode":3`},
				{"get pods -o jsonpath=" + firstState, `"reason":"Error"`},
			},
		},
		"a container is out of memory": {
			manifest: job(`{sim.sherpack.io/reason: OOMKilled, sim.sherpack.io/message: too much}`, "Never"),
			steps: []step{
				{"wait job/it --for=condition=Failed " + waitLong, ""},
				{"get pods -o jsonpath=" + firstState, `"exitCode":137`},
				{"get pods -o jsonpath=" + firstState, `"reason":"OOMKilled"`},
				{"get pods -o jsonpath=" + firstState, `"message":"too much"`},
			},
		},
		"the log stands in for the message of a failure": {
			manifest: job(`{sim.sherpack.io/exit-code: "1", sim.sherpack.io/log: "no such table"}`, "Never"),
			steps: []step{
				{"wait job/it --for=condition=Failed " + waitLong, ""},
				{"get pods -o jsonpath=" + firstState, `"message":"no such table"`},
				{"logs job/it", "no such table\n"},
			},
		},
		"a container runs for a while": {
			manifest: pod(`{sim.sherpack.io/run-for: 1s}`, "restartPolicy: Never, containers: [{name: it, image: it}]"),
			steps: []step{
				{"wait pod/it --for=jsonpath={.status.phase}=Succeeded " + waitLong, ""},
				{"get pod/it -o jsonpath={.status.containerStatuses[0].state.terminated.reason}", "Completed"},
			},
		},
		"one of two containers fails": {
			manifest: pod(`{sim.sherpack.io/exit-code: "5", sim.sherpack.io/container: b}`, "restartPolicy: Never, containers: [{name: a, image: a}, {name: b, image: b}]"),
			steps: []step{
				{"wait pod/it --for=jsonpath={.status.phase}=Failed " + waitLong, ""},
				{"get pod/it -o jsonpath={.status.containerStatuses[*].state.terminated.exitCode}", "0 5"},
			},
		},
	})
}

func TestFailedAttempts(t *testing.T) {
	t.Parallel()
	playAll(t, map[string]life{
		"a Job fails twice before it succeeds, in one Pod": {
			manifest: job(`{sim.sherpack.io/fail-times: "2", sim.sherpack.io/restart-after: 10ms}`, "OnFailure"),
			steps: []step{
				{"wait job/it --for=condition=Complete " + waitLong, ""},
				{"get pods -o jsonpath={.items[*].status.containerStatuses[0].restartCount}", "2"},
				{"get pods -o jsonpath={.items[0].status.containerStatuses[0].lastState}", `"exitCode":1`},
			},
		},
		"a Job fails once before it succeeds, in two Pods": {
			manifest: job(`{sim.sherpack.io/fail-times: "1"}`, "Never"),
			steps: []step{
				{"wait job/it --for=condition=Complete " + waitLong, ""},
				{"get pods --sort-by=.metadata.creationTimestamp -o jsonpath={.items[*].status.phase}", "Failed Succeeded"},
			},
		},
		"a container is restarted again and again": {
			manifest: pod(`{sim.sherpack.io/exit-code: "4", sim.sherpack.io/restart-after: 50ms}`, "containers: [{name: it, image: it}]"),
			steps: []step{
				{"wait pod/it --for=jsonpath={.status.containerStatuses[0].lastState.terminated.exitCode}=4 " + waitLong, ""},
				{"wait pod/it --for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=CrashLoopBackOff " + waitLong, ""},
				{"get pod/it -o jsonpath={.status.phase}", "Running"},
			},
		},
	})
}

func TestHowPodsStart(t *testing.T) {
	t.Parallel()
	playAll(t, map[string]life{
		"an image cannot be pulled, until it can": {
			manifest: pod(`{sim.sherpack.io/waiting: ImagePullBackOff}`, "containers: [{name: it, image: it}]"),
			steps: []step{
				{"wait pod/it --for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=ImagePullBackOff " + waitLong, ""},
				{"get pod/it -o jsonpath={.status}", `Back-off pulling image \"it\"`},
				{"get pod/it -o jsonpath={.status.phase}", "Pending"},
				{"annotate pod/it sim.sherpack.io/waiting-", ""},
				{"wait pod/it --for=condition=Ready " + waitLong, ""},
			},
		},
		"a Pod stays pending, until it does not": {
			manifest: pod(`{sim.sherpack.io/pending: "true"}`, "containers: [{name: it, image: it}]"),
			steps: []step{
				{"wait pod/it --for=condition=PodScheduled " + waitLong, ""},
				{"get pod/it -o jsonpath={.status.phase}", "Pending"},
				{"annotate pod/it sim.sherpack.io/pending-", ""},
				{"wait pod/it --for=condition=Ready " + waitLong, ""},
			},
		},
		"a Pod runs and is never ready": {
			manifest: pod(`{sim.sherpack.io/never-ready: "true"}`, "containers: [{name: it, image: it}]"),
			steps: []step{
				{"wait pod/it --for=jsonpath={.status.phase}=Running " + waitLong, ""},
				{"wait pod/it --for=condition=Ready=False --timeout=1s", ""},
			},
		},
		"init containers are over, sidecars run": {
			manifest: pod(`{}`, "initContainers: [{name: init, image: i}, {name: side, image: s, restartPolicy: Always}], containers: [{name: it, image: it}]"),
			steps: []step{
				{"wait pod/it --for=condition=Ready " + waitLong, ""},
				{"get pod/it -o jsonpath={.status.initContainerStatuses[0].state.terminated.reason}", "Completed"},
				{"get pod/it -o jsonpath={.status.initContainerStatuses[1].state}", "running"},
			},
		},
	})
}

func TestHowPodsGo(t *testing.T) {
	t.Parallel()
	playAll(t, map[string]life{
		"a container runs until its Pod is deleted": {
			manifest: job(`{sim.sherpack.io/run-for: forever, sim.sherpack.io/delete-after: 10ms}`, "Never"),
			steps: []step{
				{"wait pod -l job-name=it --for=jsonpath={.status.phase}=Running " + waitLong, ""},
				{"delete job/it --cascade=foreground " + waitLong, ""},
				{"get pods", "No resources found"},
			},
		},
		"a Pod takes its time to go": {
			manifest: pod(`{sim.sherpack.io/delete-after: 1h}`, "containers: [{name: it, image: it}]"),
			steps: []step{
				{"wait pod/it --for=condition=Ready " + waitLong, ""},
				{"delete pod/it --wait=false", ""},
				{"get pod/it -o jsonpath={.metadata.deletionTimestamp}{.status.phase}", "Running"},
				{"delete pod/it --force --grace-period=0", ""},
				{"get pods", "No resources found"},
			},
		},
		"a finalizer keeps a Pod that has ended": {
			manifest: `{apiVersion: v1, kind: Pod, metadata: {name: it, finalizers: [example.test/keep]}, spec: {containers: [{name: it, image: it}]}}`,
			steps: []step{
				{"wait pod/it --for=condition=Ready " + waitLong, ""},
				{"delete pod/it --wait=false", ""},
				{"wait pod/it --for=jsonpath={.status.phase}=Failed " + waitLong, ""},
				{`patch pod/it --type=merge --patch={"metadata":{"finalizers":null}}`, ""},
				{"wait pod/it --for=delete " + waitLong, ""},
			},
		},
	})
}

func TestControllersMakeWorkloadsReady(t *testing.T) {
	t.Parallel()
	for kind, extra := range map[string]string{
		"Deployment":  "replicas: 2",
		"StatefulSet": "replicas: 2, serviceName: it",
		"DaemonSet":   "minReadySeconds: 0",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			manifest := fmt.Sprintf(`{apiVersion: apps/v1, kind: %s, metadata: {name: it}, spec: {%s, selector: {matchLabels: {app: it}},
				template: {metadata: {labels: {app: it}, annotations: {sim.sherpack.io/ready-after: 100ms}}, spec: {containers: [{name: it, image: it}]}}}}`, kind, extra)
			play(t, manifest, []step{{"rollout status " + kind + "/it " + waitLong, ""}})
		})
	}
}

func TestRightsAreThoseOfTheUser(t *testing.T) {
	t.Parallel()
	play(t, pod("{}", "containers: [{name: it, image: it}]"), []step{
		{"auth can-i delete pods", "yes"},
		{"create rolebinding jane --clusterrole=view --user=jane", ""},
		{"get pod/it --as=jane", "it"},
	})
	kubeconfig, namespace := newNamespace(t)
	if out, err := kubectl(t, kubeconfig, "", "get", "pods", "--as=jane", "--namespace", namespace); err == nil || !strings.Contains(out, "Forbidden") {
		t.Errorf("jane may read everywhere: %s", out)
	}
}

func playAll(t *testing.T, lives map[string]life) {
	t.Helper()
	for name, l := range lives {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, l.manifest, l.steps)
		})
	}
}

// play creates the manifest in a new namespace and takes the steps there.
func play(t *testing.T, manifest string, steps []step) {
	t.Helper()
	kubeconfig, namespace := newNamespace(t)
	if _, err := kubectl(t, kubeconfig, manifest, "create", "--namespace", namespace, "--filename", "-"); err != nil {
		t.Fatal(err)
	}
	for _, s := range steps {
		out := mustKubectl(t, kubeconfig, append(strings.Fields(s.kubectl), "--namespace", namespace)...)
		if !strings.Contains(out, s.want) {
			t.Fatalf("kubectl %s prints %q, want %q", s.kubectl, out, s.want)
		}
	}
}

func newNamespace(t *testing.T) (kubeconfig, name string) {
	t.Helper()
	c, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	const manifest = `{apiVersion: v1, kind: Namespace, metadata: {generateName: test-}}`
	name, err = kubectl(t, c.kubeconfig, manifest, "create", "--filename", "-", "--output", "jsonpath={.metadata.name}")
	if err != nil {
		t.Fatal(err)
	}
	mustKubectl(t, c.kubeconfig, "wait", "serviceaccount/default", "--for=create", waitLong, "--namespace", name)
	return c.kubeconfig, name
}

func job(annotations, restartPolicy string) string {
	return fmt.Sprintf(`{apiVersion: batch/v1, kind: Job, metadata: {name: it}, spec: {backoffLimit: %d,
		template: {metadata: {annotations: %s}, spec: {restartPolicy: %s,
		containers: [{name: it, image: it, terminationMessagePolicy: FallbackToLogsOnError}]}}}}`,
		strings.Count(annotations, "fail-times")*3, annotations, restartPolicy)
}

func pod(annotations, spec string) string {
	return fmt.Sprintf(`{apiVersion: v1, kind: Pod, metadata: {name: it, annotations: %s}, spec: {%s}}`, annotations, spec)
}
