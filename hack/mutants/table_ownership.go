package main

// ownershipMutants are about whose an object is, and what may be deleted.
func ownershipMutants() []mutant {
	const refresh, apply = "pkg/lifecycle/refresh.go", "pkg/lifecycle/apply.go"
	tests, planned := []suite{pure("lifecycle")}, []suite{pure("plan"), pure("lifecycle")}
	return []mutant{
		{
			name: "namespace-of-the-owner-ignored", file: "pkg/plan/marks.go",
			old:   "annotations[AnnotationRelease] != o.Name || annotations[AnnotationNamespace] != o.Namespace {",
			new:   "annotations[AnnotationRelease] != o.Name {",
			means: "release shop of one namespace takes over and deletes cluster-wide objects of release shop of another",
			tests: planned,
		},
		{
			name: "marks-without-a-label", file: "pkg/plan/marks.go",
			old:   "return labels[LabelManagedBy] == ManagedBy || labels[LabelRelease] == o.Name && annotations[AnnotationHelmRelease] == \"\"",
			new:   "return len(labels) >= 0",
			means: "an object whose annotations somebody copied counts as ours",
			tests: planned,
		},
		{
			name: "taken-over-still-ours", file: refresh,
			old:   "if own.TakenFrom(found, entry) {",
			new:   "if own.TakenFrom(found, entry) && false {",
			means: "uninstall deletes what another release has taken over",
			tests: tests,
		},
		{
			name: "replaced-counts-as-ours", file: refresh,
			old:   "\treturn replaced\n}\n\n// madeAtEachRun",
			new:   "\treturn ours\n}\n\n// madeAtEachRun",
			means: "prune and uninstall delete what was restored from a backup",
			tests: tests,
		},
		{
			name: "precious-recreated", file: apply,
			old:   "l.plan.Options.RecreateImmutable && !kinds.Irreplaceable(key.GroupKind())",
			new:   "l.plan.Options.RecreateImmutable && !kinds.Irreplaceable(kinds.Key{Group: key.Group}.GroupKind())",
			means: "--recreate-immutable deletes a claim with its data",
			tests: tests,
		},
		{
			name: "foreign-recreated", file: apply,
			old:   "case !ours || !errors.As(err, &immutable) || ",
			new:   "case ours && false || !errors.As(err, &immutable) || ",
			means: "an object that is not ours is deleted because it is immutable",
			tests: tests,
		},
		{
			name: "recreated-by-name", file: apply,
			old:   "\t\tref.UID = o.live[kinds.KeyOf(ref)].uid\n\t\ttargets[i]",
			new:   "\t\ttargets[i]",
			means: "recreating deletes what somebody made under that name a moment ago",
			tests: tests,
		},
		{
			name: "applied-without-uid", file: "pkg/lifecycle/ledger.go",
			old:   "\t\treturn withMetadata(object, \"uid\", string(found.uid))\n",
			means: "an upgrade writes into an object that has taken the place of ours",
			tests: []suite{pure("lifecycle"), script("ownership")},
		},
		{
			name: "definition-of-others-applied", file: "pkg/lifecycle/ledger.go",
			old:   "\t\treturn withMetadata(object, \"resourceVersion\", kube.VersionOfNone)\n",
			means: "two releases of a chart that are installed at the same time both own its definitions",
			tests: []suite{pure("lifecycle")},
		},
		{
			name: "moved-not-looked-at-again", file: apply,
			old:   "case again && isMoved(applied.Err):",
			new:   "case again && applied.Err == nil && isMoved(applied.Err):",
			means: "an upgrade fails because a controller made an object anew meanwhile",
			tests: tests,
		},
	}
}
