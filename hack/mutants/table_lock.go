package main

// lockMutants are about one command at a time: what a holder may do, when its lock is taken over, and what it writes after it
// has lost it.
func lockMutants() []mutant {
	const guard, holder, lock, fence, lease = "pkg/storage/guard.go", "pkg/storage/holder.go", "pkg/storage/lock.go", "pkg/storage/fence.go", "pkg/storage/lease.go"
	const process, session = "pkg/storage/process_linux.go", "pkg/plugin/lock.go"
	away := suite{"./test/e2e", "^TestACommandThatWasAwayTooLongWritesNothingMore$"}
	return []mutant{
		{
			name: "patches-unguarded", file: guard,
			old:   "request.Method == http.MethodHead {",
			new:   "request.Method == http.MethodHead || request.Method == http.MethodPatch {",
			means: "a command that was stopped for a while applies objects and records beside the one that took over",
			tests: []suite{storage("^TestGuard$/^nothing_is_written_once_the_lock_is_lost$"), away},
		},
		{
			name: "nothing-guarded", file: "pkg/plugin/connection.go",
			old:   "\tconfig.Wrap(g.guard.Wrap)\n",
			means: "a command that was stopped for a while writes whatever it was about to",
			tests: []suite{away},
		},
		{
			name: "work-after-a-lost-lock", file: session,
			old:   "cancel(fmt.Errorf(\"%w: %w\", lifecycle.ErrLockLost, l.held.Err()))",
			new:   "_ = fmt.Errorf(\"%w: %w\", lifecycle.ErrLockLost, l.held.Err())",
			means: "a command that has lost its lock waits on, up to --timeout, before it says so",
			tests: []suite{pure("plugin"), away},
		},
		{
			name: "machines-not-compared", file: holder,
			old:   "here := holder.Machine != \"\" && holder.Machine == l.self.Machine && holder.Host == l.self.Host",
			new:   "here := true",
			means: "a holder on another machine, whose process number nobody has here, loses its lock in the middle of its work",
			tests: []suite{storage("^TestDead$/^a_dead_holder_is_one_of_this_machine$"), {"./test/e2e", "^TestALockThatAnotherMachineHasTaken$"}},
		},
		{
			name: "hidden-counts-as-dead", file: process,
			old:   "return zombie || when != \"\" && started != \"\" && when != started",
			new:   "return zombie || when != started",
			means: "where /proc hides other users' processes, their locks are taken over while they work",
			tests: []suite{storage("^TestProcesses$/^one_has_ended_only_if_that_is_sure$"), storage("^TestDead$/^a_hidden_holder_keeps_its_lock$")},
		},
		{
			name: "hesitates-late", file: fence,
			old:   "hesitateAfter = 10 * time.Second",
			new:   "hesitateAfter = 14 * time.Second",
			means: "a holder writes until a second before another may take over: a slow request reaches the server after that",
			tests: []suite{storage("^TestLock$/^a_holder_that_cannot_renew_hesitates$"), storage("^TestFence$"), {"./test/e2e", "^TestAWriteThatHangsIsEndedBeforeTheLockIsTakenOver$"}},
		},
		{
			name: "writes-not-cut", file: fence,
			old:   "\t\tf.cut(errCut)\n",
			new:   "\t\t_ = errCut\n",
			means: "a request that hangs is carried out after another command has taken over",
			tests: []suite{storage("^TestFence$"), storage("^TestLock$/^a_holder_that_cannot_renew_hesitates$"), {"./test/e2e", "^TestAWriteThatHangsIsEndedBeforeTheLockIsTakenOver$"}},
		},
		{
			name: "sure-from-the-answer", file: lock,
			old:   "\tl.fence.renew(sent)\n",
			new:   "\tl.fence.renew(l.attempt.now())\n",
			means: "an answer that takes long makes a holder sure for as long after the server has counted",
			tests: []suite{storage("^TestFence$/^a_Lease_is_held_from_the_request_that_renewed_it$")},
		},
		{
			name: "released-whoever-holds-it", file: lock,
			old:   "&metav1.Preconditions{UID: &l.lease.UID, ResourceVersion: &l.lease.ResourceVersion}",
			new:   "&metav1.Preconditions{UID: &l.lease.UID}",
			means: "a command that ends late gives the lock up of the one that took over",
			tests: []suite{storage("^TestLock$/^giving_it_up_does_not_give_up_another's$"), {"./test/e2e", "^TestALockThatIsTakenWhileItIsGivenUp$"}},
		},
		{
			name: "lost-lease-made-again", file: lock,
			old:   "if !l.fence.fresh() || !found.same {",
			new:   "if !l.fence.fresh() && !found.same {",
			means: "a command whose lock was taken over and given up takes it back and goes on",
			tests: []suite{storage("^TestLock$/^a_holder_whose_Lease_is_gone$"), {"./test/e2e", "^TestALeaseIsDeletedUnderACommand$"}},
		},
		{
			name: "gone-lease-not-noticed", file: lock,
			old:   "if !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {",
			new:   "if !apierrors.IsNotFound(err) {",
			means: "a holder whose Lease is gone hangs until --timeout and leaves the release pending",
			tests: []suite{storage("^TestLock$/^a_holder_whose_Lease_is_gone$"), {"./test/e2e", "^TestALeaseIsDeletedUnderACommand$"}},
		},
		{
			name: "taken-at-first-sight", file: lease,
			old:   "return watchBefore - watched, true",
			new:   "return 0 * watched, true",
			means: "virtual machines resumed from one snapshot take each other's locks",
			tests: []suite{storage("^TestAcquire$/^a_lock_is_taken_over_from_who_does_not_renew_it$"), storage("^TestAcquire$/^the_lock_of_a_killed_process_is_taken_over$")},
		},
		{
			name: "taken-without-a-date", file: lease,
			old:   "return watchUndated - watched, true",
			new:   "return watchBefore - watched, true",
			means: "behind a proxy that drops the Date, a holder loses its lock after five seconds",
			tests: []suite{storage("^TestAcquire$/^a_lock_is_taken_over_from_who_does_not_renew_it$")},
		},
		{
			name: "sleep-not-noticed", file: "pkg/storage/clock.go",
			old:   "return max(i.ran(earlier), i.wall.Sub(earlier.wall))",
			new:   "return i.ran(earlier)",
			means: "a laptop that wakes up goes on writing although another command has taken over",
			tests: []suite{storage("^TestFence$")},
		},
		{
			name: "dead-not-watched", file: lease,
			old:   "return suspect && !a.renewed",
			new:   "return suspect && a.renewed",
			means: "after a command that was killed, the next one fails because the release is locked",
			tests: []suite{storage("^TestAcquire$/^a_lock_is_taken_over_from_who_does_not_renew_it$"), storage("^TestAcquire$/^the_lock_of_a_killed_process_is_taken_over$")},
		},
		{
			name: "dead-not-abandoned", file: "pkg/storage/lease.go",
			old:   "return age >= expireAfter || l.isDead(former.Holder), former, nil",
			new:   "return age >= expireAfter, former, nil",
			means: "status shows what a killed command was at as if it still ran",
			tests: []suite{storage("^TestAbandoned$"), storage("^TestDead$/^the_lock_of_a_dead_holder_is_abandoned$")},
		},
		{
			name: "old-not-abandoned", file: "pkg/storage/lease.go",
			old:   "return age >= expireAfter || l.isDead(former.Holder), former, nil",
			new:   "return l.isDead(former.Holder), former, nil",
			means: "status shows what a command on a machine that is gone was at as if it still ran",
			tests: []suite{storage("^TestAbandoned$"), storage("^TestDead$/^the_lock_of_a_dead_holder_is_abandoned$")},
		},
	}
}
