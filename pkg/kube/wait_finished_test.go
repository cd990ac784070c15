package kube_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// A Job that has completed and is removed, here by its time to live, is as ready as it was.
func TestWaitIsContentWithAJobThatHasCompletedAndGone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	targets := b.targets(`{apiVersion: batch/v1, kind: Job, metadata: {name: seed}, spec: {ttlSecondsAfterFinished: 1, template: {spec: {restartPolicy: Never, containers: [{name: c, image: c}]}}}}`,
		web("slow", "sim.sherpack.io/ready-after: 6s"))
	b.must(b.Wait(b.timeout(time.Minute), targets, selector, nil))
	if found, err := b.Find(t.Context(), []corev1.ObjectReference{targets[0].Ref}); err != nil || found[0] != nil {
		t.Errorf("the Job is there all the time: %v", err)
	}
}
