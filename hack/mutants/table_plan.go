package main

// planMutants are about the order and the choice of steps.
func planMutants() []mutant {
	const removal, steps, journal, resume, needs = "pkg/plan/remove.go", "pkg/plan/new.go", "pkg/lifecycle/journal.go", "pkg/plan/resume.go", "pkg/plan/needs.go"
	tests, planned := []suite{pure("lifecycle")}, []suite{pure("plan"), pure("lifecycle")}
	return []mutant{
		{
			name: "deployed-revision-dropped", file: journal,
			old:   "len(forgotten) < tooMany && revision != stays {",
			new:   "len(forgotten) < tooMany && (revision != stays || most > 0) {",
			means: "--history-max drops the deployed revision after failed upgrades: nothing to roll back to, values are lost",
			tests: tests,
		},
		{
			name: "deployed-superseded-by-failed", file: journal,
			old:   "if newest.Status.Phase != release.Failed {",
			new:   "if newest.Status.Phase != \"\" {",
			means: "an upgrade that fails takes the status deployed from the revision that runs",
			tests: tests,
		},
		{
			name: "prune-first", file: "pkg/plan/new.go",
			old:   "plan.Steps = append(plan.Steps, prune(plan.Release, named, request.Options)...)",
			new:   "plan.Steps = append(prune(plan.Release, named, request.Options), plan.Steps...)",
			means: "running Pods lose the ConfigMaps they were started with, and a failed upgrade has destroyed things",
			tests: planned,
		},
		{
			name: "inventory-forgets", file: "pkg/plan/new.go",
			old:   "\t\t\tentries = append(entries, old)\n",
			means: "what a pack does not have any more is never deleted",
			tests: planned,
		},
		{
			name: "kept-deleted", file: removal,
			old:   "return entry.Keep || kinds.IsDefinition",
			new:   "return kinds.IsDefinition",
			means: "a claim that says keep goes with its release, and its data with it",
			tests: planned,
		},
		{
			name: "definitions-deleted", file: removal,
			old:   "&& !options.DeleteCRDs ||",
			new:   "&& options.KeepHistory ||",
			means: "uninstall deletes custom resource definitions, and all objects of their kinds in all namespaces",
			tests: planned,
		},
		{
			name: "own-namespace-deleted", file: removal,
			old:   "kinds.IsNamespace(entry.GroupKind()) && entry.Name == namespace",
			new:   "kinds.IsNamespace(entry.GroupKind()) && entry.Name == \"\"",
			means: "uninstall deletes the namespace that holds the record",
			tests: planned,
		},
		{
			name: "definitions-before-custom-resources", file: removal,
			old:   "slices.Concat(first, deleteSteps(r.custom), deleteSteps(r.definitions))",
			new:   "slices.Concat(first, deleteSteps(r.definitions), deleteSteps(r.custom))",
			means: "custom resources lose their kind before their controllers let them go",
			tests: planned,
		},
		{
			name: "guards-deleted-last", file: removal,
			old:   "slices.Concat(first, deleteSteps(r.custom), deleteSteps(r.definitions))",
			new:   "slices.Concat(deleteSteps(r.custom), deleteSteps(r.definitions), first)",
			means: "a webhook whose Pods are gone refuses the rest of the uninstallation",
			tests: planned,
		},
		{
			name: "removal-in-install-order", file: removal,
			old:   "for wave := kinds.Waves; wave >= 1; wave-- {",
			new:   "for wave := 1; wave <= kinds.Waves; wave++ {",
			means: "ServiceAccounts and Secrets go before the Pods that use them while they end",
			tests: planned,
		},
		{
			name: "waves-backwards", file: steps,
			old:   "for wave := 1; wave <= kinds.Waves; wave++ {",
			new:   "for wave := kinds.Waves; wave >= 1; wave-- {",
			means: "Deployments are applied before the ConfigMaps and ServiceAccounts they need",
			tests: planned,
		},
		{
			name: "skipped-hooks-run", file: steps,
			old:   "if len(hooks) == 0 || options.Skips(phase) {",
			new:   "if len(hooks) == 0 {",
			means: "--no-hooks and --skip-hooks run the hooks",
			tests: []suite{pure("plan"), pure("lifecycle"), script("hooks-skipped")},
		},
		{
			name: "nothing-applied-early", file: needs,
			old:   "\t\tc.addNeeds(search, h, request.Release.Namespace)\n",
			new:   "\t\t_ = h\n",
			means: "a migration starts before the Secret that it reads is there, and hangs",
			tests: planned,
		},
		{
			name: "hook-hash-without-its-needs", file: "pkg/plan/records.go",
			old:   "sum = manifest.Sum([]byte(sum + more))",
			new:   "sum += more[:0]",
			means: "a migration that reads another ConfigMap counts as the same migration",
			tests: planned,
		},
		{
			name: "finished-hooks-run-again", file: resume,
			old:   "case old.State == release.HookSucceeded:",
			new:   "case old.State == \"\":",
			means: "resume runs a migration twice that has succeeded",
			tests: []suite{pure("plan"), pure("lifecycle"), script("resume")},
		},
		{
			name: "changed-hooks-count-as-run", file: resume,
			old:   "case old == nil || old.Hash != record.Hash:",
			new:   "case old == nil:",
			means: "resume does not run a hook whose content is not what has run",
			tests: planned,
		},
		{
			name: "resume-runs-skipped-hooks", file: resume,
			old:   "record.Phase == string(phase) && record.Reason != release.ReasonNoHooks",
			new:   "record.Phase == string(phase)",
			means: "resume runs hooks that --no-hooks had left out",
			tests: []suite{pure("plan"), pure("lifecycle"), script("resume")},
		},
		{
			name: "test-selection-ignored", file: "pkg/plan/test.go",
			old:   "&& !named(h, t.Except)",
			new:   "&& (len(t.Except) > 99 || true)",
			means: "test runs what --filter '!name=…' leaves out",
			tests: planned,
		},
	}
}
