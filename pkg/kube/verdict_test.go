package kube

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// readState reads an object as it comes from the server, whose numbers are whole.
func readState(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	content, err := yaml.YAMLToJSON([]byte(flat(text)))
	if err == nil {
		err = object.UnmarshalJSON(content)
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

func TestTheVerdictOfAJobIsKnownBeforeItHasEnded(t *testing.T) {
	t.Parallel()
	const deleting = `deletionTimestamp: "2026-01-01T10:00:00Z"`
	for name, test := range map[string]struct {
		job              string
		want             verdict
		finished, ending bool
	}{
		"one that runs":      {job: jobState("", "", "")},
		"one that completed": {job: jobState("", "", `{type: SuccessCriteriaMet, status: "True"}, {type: Complete, status: "True"}`), want: succeeded(), finished: true},
		"one that succeeds":  {job: jobState("", "", `{type: SuccessCriteriaMet, status: "True"}`), want: succeeded(), ending: true},
		"one that fails": {
			job:  jobState("", "", `{type: FailureTarget, status: "True", reason: BackoffLimitExceeded, message: "too often"}`),
			want: verdict{done: true, reason: "BackoffLimitExceeded", message: "too often"}, ending: true,
		},
		"one that failed": {
			job:  jobState("", "", `{type: FailureTarget, status: "True", reason: A, message: a}, {type: Failed, status: "True", reason: B, message: b}`),
			want: verdict{done: true, reason: "B", message: "b"}, finished: true,
		},
		"one whose criteria are not met": {job: jobState("", "", `{type: SuccessCriteriaMet, status: "False"}, {type: FailureTarget, status: Unknown}`)},
		"one that is being deleted":      {job: jobState(deleting, "", ""), want: deleted("it is being deleted and has not finished")},
		"one that is being deleted and was Kubernetes' own by name": {
			job: jobState(deleting, "managedBy: kubernetes.io/job-controller", ""), want: deleted("it is being deleted and has not finished"),
		},
		"one of another controller that is being deleted": {job: jobState(deleting, "managedBy: example.com/other", "")},
		"one of another controller that succeeds": {
			job: jobState(deleting, "managedBy: example.com/other", `{type: SuccessCriteriaMet, status: "True"}`), want: succeeded(),
		},
	} {
		object := readState(t, test.job)
		got, err := judge(object, false, nil, nil)
		if err != nil || got != test.want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, test.want)
		}
		if Finished(object) != test.finished || isEnding(object) != test.ending {
			t.Errorf("%s: finished %v, ending %v", name, Finished(object), isEnding(object))
		}
	}
}

func TestWhetherAJobIsSuspendedIsSaidByItsController(t *testing.T) {
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
		if got := isSuspended(readState(t, test.job)); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// lagging is an object of generation 2 whose status may be of an earlier generation than its own.
func lagging(status string) string {
	return `{apiVersion: example.com/v1, kind: Database, metadata: {name: d, generation: 2}, status: {` + status + `}}`
}

func TestAStatusOfAnEarlierGenerationDoesNotCount(t *testing.T) {
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
		conditions, err := ParseConditions(test.when)
		if err != nil {
			t.Fatal(err)
		}
		object := readState(t, test.object)
		ready, err := judge(object, false, conditions, nil)
		if err != nil || ready.done != test.want {
			t.Errorf("ready-when %s: %+v, %v", name, ready, err)
		}
		failed, err := judge(object, false, conditions, conditions)
		if err != nil || (failed.reason == reasonFailedWhen) != test.want {
			t.Errorf("failed-when %s: %+v, %v", name, failed, err)
		}
		waits, err := readiness(object, conditions, nil)
		if err != nil || waits.ready != test.want {
			t.Errorf("--wait %s: %+v, %v", name, waits, err)
		}
	}
}

func TestReadinessGoesByConditionsOfThePresentGeneration(t *testing.T) {
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
		got, err := readiness(readState(t, lagging(test.status)), nil, nil)
		if err != nil || got.ready != test.want || got.failed {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestPodsCountThatAJobHasNotCountedYet(t *testing.T) {
	t.Parallel()
	job := readState(t, `{apiVersion: batch/v1, kind: Job, status: {failed: 2, uncountedTerminatedPods: {failed: [a], succeeded: [b, c]}}}`)
	if failed, succeeded := countOf(job, "failed"), countOf(job, "succeeded"); failed != 3 || succeeded != 2 {
		t.Errorf("%d failed, %d succeeded", failed, succeeded)
	}
}
