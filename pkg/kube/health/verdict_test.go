package health_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
)

// readState reads an object as it comes from the server, whose numbers are whole.
func readState(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	content, err := yaml.YAMLToJSON([]byte(strings.Join(strings.Fields(text), " ")))
	if err == nil {
		err = json.Unmarshal(content, &object.Object)
	}
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return object
}

// jobState is a Job with a spec and conditions.
func jobState(metadata, spec, conditions string) string {
	return `{apiVersion: batch/v1, kind: Job, metadata: {name: j, uid: j, ` + metadata + `}, spec: {` + spec + `}, status: {conditions: [` + conditions + `]}}`
}

func TestJudge(t *testing.T) {
	t.Parallel()
	t.Run("the verdict of a Job is known before it has ended", theVerdictOfAJobIsKnownBeforeItHasEnded)
	t.Run("a status of an earlier generation does not count", aStatusOfAnEarlierGenerationDoesNotCount)
	t.Run("an object is judged by conditions or its kind's own status", anObjectIsJudgedByConditionsOrItsKindsOwnStatus)
}

func theVerdictOfAJobIsKnownBeforeItHasEnded(t *testing.T) {
	t.Parallel()
	const deleting = `deletionTimestamp: "2026-01-01T10:00:00Z"`
	for name, test := range map[string]struct {
		job              string
		want             health.Verdict
		finished, ending bool
	}{
		"one that runs":      {job: jobState("", "", "")},
		"one that completed": {job: jobState("", "", `{type: SuccessCriteriaMet, status: "True"}, {type: Complete, status: "True"}`), want: health.Verdict{Done: true, Succeeded: true}, finished: true},
		"one that succeeds":  {job: jobState("", "", `{type: SuccessCriteriaMet, status: "True"}`), want: health.Verdict{Done: true, Succeeded: true}, ending: true},
		"one that fails": {
			job:  jobState("", "", `{type: FailureTarget, status: "True", reason: BackoffLimitExceeded, message: "too often"}`),
			want: health.Verdict{Done: true, Reason: "BackoffLimitExceeded", Message: "too often"}, ending: true,
		},
		"one that failed": {
			job:  jobState("", "", `{type: FailureTarget, status: "True", reason: A, message: a}, {type: Failed, status: "True", reason: B, message: b}`),
			want: health.Verdict{Done: true, Reason: "B", Message: "b"}, finished: true,
		},
		"one whose criteria are not met": {job: jobState("", "", `{type: SuccessCriteriaMet, status: "False"}, {type: FailureTarget, status: Unknown}`)},
		"one that is being deleted":      {job: jobState(deleting, "", ""), want: health.Verdict{Done: true, Reason: health.Deleted, Message: "it is being deleted and has not finished"}},
		"one that is being deleted and was Kubernetes' own by name": {
			job: jobState(deleting, "managedBy: kubernetes.io/job-controller", ""), want: health.Verdict{Done: true, Reason: health.Deleted, Message: "it is being deleted and has not finished"},
		},
		"one of another controller that is being deleted": {job: jobState(deleting, "managedBy: example.com/other", "")},
		"one of another controller that succeeds": {
			job: jobState(deleting, "managedBy: example.com/other", `{type: SuccessCriteriaMet, status: "True"}`), want: health.Verdict{Done: true, Succeeded: true},
		},
	} {
		object := readState(t, test.job)
		got, err := health.Judge(object, false, nil, nil)
		if err != nil || got != test.want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, test.want)
		}
		if health.Finished(object) != test.finished || health.IsEnding(object) != test.ending {
			t.Errorf("%s: finished %v, ending %v", name, health.Finished(object), health.IsEnding(object))
		}
	}
}

// lagging is an object of generation 2 whose status may be of an earlier generation than its own.
func lagging(status string) string {
	return `{apiVersion: example.com/v1, kind: Database, metadata: {name: d, generation: 2}, status: {` + status + `}}`
}

func aStatusOfAnEarlierGenerationDoesNotCount(t *testing.T) {
	t.Parallel()
	const path, condition = "jsonpath={.status.phase}=Done", "condition=Ready"
	for name, test := range map[string]struct {
		object, when string
		want         bool
	}{
		"a value": {lagging("phase: Done, observedGeneration: 2"), path, true},
		"a value of a controller that does not say": {lagging("phase: Done"), path, true},
		"an earlier value":                          {lagging("phase: Done, observedGeneration: 1"), path, false},
		"a value that is no status":                 {lagging("phase: Done, observedGeneration: 1"), "jsonpath={.metadata.name}=d", true},
		"a condition":                               {lagging(`conditions: [{type: Ready, status: "True", observedGeneration: 2}]`), condition, true},
		"an earlier condition":                      {lagging(`conditions: [{type: Ready, status: "True", observedGeneration: 1}]`), condition, false},
		"a condition in an earlier status":          {lagging(`observedGeneration: 1, conditions: [{type: Ready, status: "True"}]`), condition, false},
	} {
		conditions, err := health.ParseConditions(test.when)
		if err != nil {
			t.Fatal(err)
		}
		object := readState(t, test.object)
		ready, err := health.Judge(object, false, conditions, nil)
		if err != nil || ready.Done != test.want {
			t.Errorf("ready-when %s: %+v, %v", name, ready, err)
		}
		failed, err := health.Judge(object, false, conditions, conditions)
		if err != nil || (failed.Reason == health.FailedWhen) != test.want {
			t.Errorf("failed-when %s: %+v, %v", name, failed, err)
		}
		waits, err := health.Readiness(object, conditions, nil)
		if err != nil || waits.Ready != test.want {
			t.Errorf("--wait %s: %+v, %v", name, waits, err)
		}
	}
}

func anObjectIsJudgedByConditionsOrItsKindsOwnStatus(t *testing.T) {
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
		want          health.Verdict
	}{
		"a Job that runs":                        {object: running},
		"a Job that is complete":                 {object: complete, want: health.Verdict{Done: true, Succeeded: true}},
		"a Job that failed":                      {object: broken, want: health.Verdict{Done: true, Reason: "DeadlineExceeded", Message: "too long"}},
		"a Job that was removed once complete":   {object: complete, gone: true, want: health.Verdict{Done: true, Succeeded: true}},
		"a Job that was removed before":          {object: running, gone: true, want: health.Verdict{Done: true, Reason: health.Deleted, Message: "it was deleted before it finished"}},
		"a Job that is being deleted":            {object: dying, want: health.Verdict{Done: true, Reason: health.Deleted, Message: "it is being deleted and has not finished"}},
		"a Job whose deletion is waited for":     {object: dying, ready: "delete"},
		"what was never seen":                    {object: "", gone: true, want: health.Verdict{Done: true, Reason: health.Deleted, Message: "it was deleted before it finished"}},
		"ready-when is not complete":             {object: complete, ready: "condition=Other"},
		"ready-when leaves failing to the kind":  {object: broken, ready: "condition=Other", want: health.Verdict{Done: true, Reason: "DeadlineExceeded", Message: "too long"}},
		"failed-when before ready-when":          {object: running, ready: "create", failed: "create", want: health.Verdict{Done: true, Reason: "FailedWhen", Message: "create is met"}},
		"failed-when leaves success to the kind": {object: complete, failed: "condition=Other", want: health.Verdict{Done: true, Succeeded: true}},
		"a Pod that runs":                        {object: pod},
		"any other kind waits for its condition": {object: `{apiVersion: v1, kind: ConfigMap}`, failed: "condition=Other"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var object *unstructured.Unstructured
			if test.object != "" {
				object = readState(t, test.object)
			}
			got, err := health.Judge(object, test.gone, parsed(t, test.ready), parsed(t, test.failed))
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
		if got := health.Finished(readState(t, text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestIsSuspended(t *testing.T) {
	t.Parallel()
	t.Run("the controller of a Job says whether it is", controllerOfAJobSaysWhetherItIsSuspended)
}

func controllerOfAJobSaysWhetherItIsSuspended(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		job  string
		want bool
	}{
		"Kubernetes' own":                {jobState("", "suspend: true", ""), true},
		"another's, which runs it":       {jobState("", "suspend: true, managedBy: example.com/other", ""), false},
		"another's, which suspended it":  {jobState("", "suspend: false, managedBy: example.com/other", `{type: Suspended, status: "True"}`), true},
		"Kubernetes' own, not suspended": {jobState("", "", `{type: Suspended, status: "False"}`), false},
	} {
		if got := health.IsSuspended(readState(t, test.job)); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
