package pods_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/pods"
)

// finding is what the evidence of a hook says, as far as an outcome tells it.
type finding struct {
	Reason, Message, Container string
	ExitCode                   int32
	Pod                        string
	Previous, Log              bool
	Attempts                   int
}

// readPods reads a stream of the states of Pods, in the order they were seen.
func readPods(t *testing.T, text string) *pods.Evidence {
	t.Helper()
	seen := pods.NewEvidence("the-job")
	for _, document := range strings.Split(text, "---\n") {
		object := &unstructured.Unstructured{}
		if err := yaml.UnmarshalStrict([]byte(document), &object.Object); err != nil {
			t.Fatal(err)
		}
		seen.Take(object)
	}
	return seen
}

// explained is a stream of Pods and what it says.
type explained struct {
	pods string
	want finding
}

func TestExplain(t *testing.T) {
	t.Parallel()
	t.Run("it blames a container", explainBlamesAContainer)
	t.Run("it blames an attempt", explainBlamesAnAttempt)
	t.Run("it finds what is waited for", explainFindsWhatIsWaitedFor)
}

func explainBlamesAContainer(t *testing.T) {
	t.Parallel()
	checkExplain(t, map[string]explained{
		"an exit code": {
			pods: podState("a", 1, `phase: Failed, containerStatuses: [{name: main, state: {terminated: {exitCode: 3, reason: Error}}}]`),
			want: finding{Container: "main", ExitCode: 3, Reason: "Error", Pod: "a", Log: true, Attempts: 1, Message: `container "main" exited with code 3`},
		},
		"out of memory": {
			pods: podState("a", 1, `phase: Failed, containerStatuses: [{name: main, state: {terminated: {exitCode: 137, reason: OOMKilled}}}]`),
			want: finding{Container: "main", ExitCode: 137, Reason: "OOMKilled", Pod: "a", Log: true, Attempts: 1, Message: `container "main" exited with code 137 (OOMKilled)`},
		},
		"the init container, not what never ran": {
			pods: podState("a", 1, `phase: Failed, initContainerStatuses: [{name: pre, state: {terminated: {exitCode: 5, reason: Error}}}], containerStatuses: [{name: main, state: {waiting: {reason: PodInitializing}}}]`),
			want: finding{Container: "pre", ExitCode: 5, Reason: "Error", Pod: "a", Log: true, Attempts: 1, Message: `container "pre" exited with code 5`},
		},
		"the main container, not the sidecar that is killed after it": {
			pods: podSpec("a", 1, `initContainers: [{name: proxy, restartPolicy: Always}]`, `phase: Failed,
				initContainerStatuses: [{name: proxy, state: {terminated: {exitCode: 2, reason: Error, finishedAt: "2026-01-01T10:00:09Z"}}}],
				containerStatuses: [{name: main, state: {terminated: {exitCode: 3, reason: Error, finishedAt: "2026-01-01T10:00:10Z"}}}]`),
			want: finding{Container: "main", ExitCode: 3, Reason: "Error", Pod: "a", Log: true, Attempts: 1, Message: `container "main" exited with code 3`},
		},
		"no sidecar that was ended after the main container succeeded": {
			pods: podSpec("a", 1, `initContainers: [{name: proxy, restartPolicy: Always}]`, `phase: Running,
				initContainerStatuses: [{name: proxy, state: {terminated: {exitCode: 143, reason: Error, finishedAt: "2026-01-01T10:00:11Z"}}}],
				containerStatuses: [{name: main, state: {terminated: {exitCode: 0, reason: Completed, finishedAt: "2026-01-01T10:00:10Z"}}}]`),
			want: finding{Pod: "a", Attempts: 1},
		},
		"no sidecar that had to be killed after it": {
			pods: podSpec("a", 1, `initContainers: [{name: proxy, restartPolicy: Always}]`, `phase: Succeeded,
				initContainerStatuses: [{name: proxy, state: {terminated: {exitCode: 137, reason: Error, finishedAt: "2026-01-01T10:00:41Z"}}}],
				containerStatuses: [{name: main, state: {terminated: {exitCode: 0, reason: Completed, finishedAt: "2026-01-01T10:00:10Z"}}}]`),
			want: finding{Pod: "a", Attempts: 1},
		},
		"a sidecar that fails while the main container waits": {
			pods: podSpec("a", 1, `initContainers: [{name: proxy, restartPolicy: Always}]`, `phase: Pending,
				initContainerStatuses: [{name: proxy, state: {terminated: {exitCode: 137, reason: OOMKilled, finishedAt: "2026-01-01T10:00:11Z"}}}],
				containerStatuses: [{name: main, state: {waiting: {reason: PodInitializing}}}]`),
			want: finding{Container: "proxy", ExitCode: 137, Reason: "OOMKilled", Pod: "a", Log: true, Attempts: 1, Message: `container "proxy" exited with code 137 (OOMKilled)`},
		},
		"the container that failed first": {
			pods: podState("a", 1, `phase: Failed, containerStatuses: [
				{name: aaa, state: {terminated: {exitCode: 1, reason: Error, finishedAt: "2026-01-01T10:00:12Z"}}},
				{name: main, state: {terminated: {exitCode: 3, reason: Error, finishedAt: "2026-01-01T10:00:10Z"}}}]`),
			want: finding{Container: "main", ExitCode: 3, Reason: "Error", Pod: "a", Log: true, Attempts: 1, Message: `container "main" exited with code 3`},
		},
		"not one that was ended by a signal": {
			pods: podState("a", 1, `phase: Failed, containerStatuses: [
				{name: aaa, state: {terminated: {exitCode: 143, reason: Error, finishedAt: "2026-01-01T10:00:09Z"}}},
				{name: main, state: {terminated: {exitCode: 3, reason: Error, finishedAt: "2026-01-01T10:00:10Z"}}}]`),
			want: finding{Container: "main", ExitCode: 3, Reason: "Error", Pod: "a", Log: true, Attempts: 1, Message: `container "main" exited with code 3`},
		},
	})
}

func explainBlamesAnAttempt(t *testing.T) {
	t.Parallel()
	checkExplain(t, map[string]explained{
		"of several attempts the last": {
			pods: podState("b", 2, `phase: Failed, containerStatuses: [{name: main, state: {terminated: {exitCode: 4, reason: Error}}}]`) + "---\n" +
				podState("a", 1, `phase: Failed, containerStatuses: [{name: main, state: {terminated: {exitCode: 3, reason: Error}}}]`),
			want: finding{Container: "main", ExitCode: 4, Reason: "Error", Pod: "b", Log: true, Attempts: 2, Message: `container "main" exited with code 4`},
		},
		"the last that ended, when another runs": {
			pods: podState("a", 1, `phase: Failed, containerStatuses: [{name: main, state: {terminated: {exitCode: 3, reason: Error}}}]`) + "---\n" +
				podState("b", 2, `phase: Running, containerStatuses: [{name: main, state: {running: {}}}]`),
			want: finding{Container: "main", ExitCode: 3, Reason: "Error", Pod: "a", Log: true, Attempts: 2, Message: `container "main" exited with code 3`},
		},
		"the run before, when the container runs again": {
			pods: podState("a", 1, `phase: Running, containerStatuses: [{name: main, restartCount: 2, state: {running: {}}, lastState: {terminated: {exitCode: 3, reason: Error}}}]`),
			want: finding{Container: "main", ExitCode: 3, Reason: "Error", Pod: "a", Log: true, Previous: true, Attempts: 3, Message: `container "main" exited with code 3`},
		},
		"the present run's log, when the container waits to run again": {
			pods: podState("a", 1, `phase: Running, containerStatuses: [{name: main, restartCount: 2, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 3, reason: Error}}}]`),
			want: finding{Container: "main", ExitCode: 3, Reason: "Error", Pod: "a", Log: true, Attempts: 3, Message: `container "main" exited with code 3`},
		},
		"what is remembered, not what came of the deletion": {
			pods: podState("a", 1, `phase: Running, containerStatuses: [{name: main, state: {terminated: {exitCode: 3, reason: Error, finishedAt: "2026-01-01T10:00:10Z"}}}]`) + "---\n" +
				dyingPod("a", `phase: Failed, containerStatuses: [{name: main, restartCount: 1, state: {terminated: {exitCode: 137, reason: Error, finishedAt: "2026-01-01T10:00:21Z"}}}]`),
			want: finding{Container: "main", ExitCode: 3, Reason: "Error", Pod: "a", Log: true, Attempts: 2, Message: `container "main" exited with code 3`},
		},
		"killed with its Pod": {
			pods: dyingPod("a", `phase: Failed, containerStatuses: [{name: main, state: {terminated: {exitCode: 137, reason: Error, finishedAt: "2026-01-01T10:00:21Z"}}}]`),
			want: finding{Container: "main", Pod: "a", Log: true, Attempts: 1, Message: `container "main" was still running`},
		},
		"killed with its Pod, and it says so itself": {
			pods: dyingPod("a", `phase: Running, containerStatuses: [{name: main, state: {running: {}}}]`) + "---\n" +
				dyingPod("a", `phase: Failed, containerStatuses: [{name: main, state: {terminated: {exitCode: 1, reason: Error, finishedAt: "2026-01-01T10:00:21Z"}}}]`),
			want: finding{Container: "main", Pod: "a", Log: true, Attempts: 1, Message: `container "main" was still running`},
		},
		"the first attempt's failure, not the second's deletion": {
			pods: podState("a", 1, `phase: Failed, containerStatuses: [{name: main, state: {terminated: {exitCode: 3, reason: Error}}}]`) + "---\n" +
				dyingPod("b", `phase: Failed, containerStatuses: [{name: main, state: {terminated: {exitCode: 143, reason: Error, finishedAt: "2026-01-01T10:00:21Z"}}}]`),
			want: finding{Container: "main", ExitCode: 3, Reason: "Error", Pod: "a", Log: true, Attempts: 2, Message: `container "main" exited with code 3`},
		},
	})
}

func explainFindsWhatIsWaitedFor(t *testing.T) {
	t.Parallel()
	checkExplain(t, map[string]explained{
		"evicted": {
			pods: podState("a", 1, `phase: Failed, reason: Evicted, message: The node was low on memory., containerStatuses: [{name: main, state: {terminated: {exitCode: 137, reason: Error}}}]`),
			want: finding{Container: "main", Reason: "Evicted", Pod: "a", Log: true, Attempts: 1, Message: `container "main" was stopped: Evicted: The node was low on memory.`},
		},
		"refused by the node": {
			pods: podState("a", 1, `phase: Failed, reason: OutOfcpu, message: Node has no cpu`),
			want: finding{Reason: "OutOfcpu", Pod: "a", Attempts: 1, Message: "OutOfcpu: Node has no cpu"},
		},
		"an image that cannot be pulled": {
			pods: podState("a", 1, `phase: Pending, containerStatuses: [{name: side, state: {waiting: {reason: ContainerCreating}}}, {name: main, state: {waiting: {reason: ImagePullBackOff, message: "Back-off pulling image \"x\""}}}]`),
			want: finding{Container: "main", Reason: "ImagePullBackOff", Pod: "a", Attempts: 1, Message: `container "main" is waiting: ImagePullBackOff: Back-off pulling image "x"`},
		},
		"an image that cannot be pulled, by its other name": {
			pods: podState("a", 1, `phase: Pending, containerStatuses: [{name: main, state: {waiting: {reason: ErrImagePull, message: not found}}}]`),
			want: finding{Container: "main", Reason: "ImagePullBackOff", Pod: "a", Attempts: 1, Message: `container "main" is waiting: ImagePullBackOff: not found`},
		},
		"no node": {
			pods: podState("a", 1, `phase: Pending, conditions: [{type: PodScheduled, status: "False", reason: Unschedulable, message: no node fits}]`),
			want: finding{Reason: "Unschedulable", Pod: "a", Attempts: 1, Message: "Unschedulable: no node fits"},
		},
		"a volume that does not come": {
			pods: podState("a", 1, `phase: Pending, containerStatuses: [{name: main, state: {waiting: {reason: ContainerCreating}}}]`),
			want: finding{Container: "main", Reason: "ContainerCreating", Pod: "a", Attempts: 1, Message: `container "main" is waiting: ContainerCreating`},
		},
		"running, beside a sidecar": {
			pods: podSpec("a", 1, `initContainers: [{name: proxy, restartPolicy: Always}]`, `phase: Running, initContainerStatuses: [{name: proxy, state: {running: {}}}], containerStatuses: [{name: main, state: {running: {}}}]`),
			want: finding{Container: "main", Pod: "a", Log: true, Attempts: 1, Message: `container "main" was still running`},
		},
		"a Pod of another Job": {
			pods: "metadata: {name: x, uid: x, ownerReferences: [{uid: other, controller: true}]}\nstatus: {phase: Failed, reason: Evicted}",
		},
	})
}

func checkExplain(t *testing.T, tests map[string]explained) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := readPods(t, test.pods)
			found := seen.Explain()
			got := finding{
				Reason: found.Reason, Message: found.Sentence(), Container: found.Container, Pod: found.Pod,
				Previous: found.Previous, Log: found.Started, Attempts: seen.Attempts(),
			}
			if found.Ended != nil {
				got.ExitCode = found.Ended.ExitCode
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// podState is a Pod of the Job; number orders the Pods by age.
func podState(name string, number int, status string) string {
	return podSpec(name, number, "", status)
}

func podSpec(name string, number int, spec, status string) string {
	return strings.NewReplacer("NAME", name, "NUMBER", string(rune('0'+number)), "SPEC", spec, "STATUS", flat(status)).Replace(`
metadata: {name: NAME, uid: NAME, creationTimestamp: "2026-01-01T10:0NUMBER:00Z", ownerReferences: [{uid: the-job, controller: true}]}
spec: {SPEC}
status: {STATUS}
`)
}

// dyingPod is the third Pod, whose deletion was asked for at 10:00:20.
func dyingPod(name, status string) string {
	return strings.Replace(podState(name, 3, status), "metadata: {",
		`metadata: {deletionTimestamp: "2026-01-01T10:00:50Z", deletionGracePeriodSeconds: 30, `, 1)
}

func flat(text string) string { return strings.Join(strings.Fields(text), " ") }

func TestReasonOf(t *testing.T) {
	t.Parallel()
	exit := &pods.Cause{}
	seen := readPods(t, podState("a", 1, `containerStatuses: [{name: main, state: {terminated: {exitCode: 3, reason: Error}}}]`))
	*exit = seen.Explain()
	for name, test := range map[string]struct {
		end   health.Verdict
		found pods.Cause
		want  string
	}{
		"out of time, after an attempt":            {found: *exit, want: "Error"},
		"out of time, waiting":                     {found: pods.Cause{Reason: "ImagePullBackOff"}, want: "ImagePullBackOff"},
		"out of time, running":                     {want: ""},
		"out of time, being set up":                {found: pods.Cause{Reason: "ContainerCreating"}, want: "ContainerCreating"},
		"backoff limit, after an attempt":          {end: health.Verdict{Done: true, Reason: "BackoffLimitExceeded"}, found: *exit, want: "Error"},
		"backoff limit, out of memory":             {end: health.Verdict{Done: true, Reason: "BackoffLimitExceeded"}, found: pods.Cause{Reason: "OOMKilled"}, want: "OOMKilled"},
		"backoff limit, nothing known":             {end: health.Verdict{Done: true, Reason: "BackoffLimitExceeded"}, want: "BackoffLimitExceeded"},
		"the Job's deadline, after an attempt":     {end: health.Verdict{Done: true, Reason: "DeadlineExceeded"}, found: *exit, want: "DeadlineExceeded"},
		"the Job's deadline, for want of an image": {end: health.Verdict{Done: true, Reason: "DeadlineExceeded"}, found: pods.Cause{Reason: "ImagePullBackOff"}, want: "ImagePullBackOff"},
		"deleted, after an attempt":                {end: health.Verdict{Done: true, Reason: health.Deleted, Message: "gone"}, found: *exit, want: "Deleted"},
		"failed without a reason":                  {end: health.Verdict{Done: true}, want: "Error"},
	} {
		if got := pods.ReasonOf(test.end, test.found); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}
