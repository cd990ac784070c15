package main

// hookMutants are about following hooks to their end, and reading their annotations.
func hookMutants() []mutant {
	const verdict, conditions = "pkg/kube/health/verdict.go", "pkg/kube/health/conditions.go"
	return []mutant{
		{
			name: "removed-hook-hangs", file: verdict,
			old:   "\tcase gone:\n\t\treturn deleted",
			new:   "\tcase gone && len(ready) > 99:\n\t\treturn deleted",
			means: "a Job that somebody deletes while it runs is waited for until --timeout",
			tests: []suite{below("health", "^TestJudge$")},
		},
		{
			name: "failed-when-ignored", file: verdict,
			old:   "\tif verdict, err := failureOf(object, failed); err != nil || verdict.Done {\n\t\treturn verdict, err\n\t}\n",
			new:   "",
			means: "a hook that has failed is waited for until --timeout",
			tests: []suite{below("health", "^TestJudge$"), kube("^TestRunHook$/^ready-when_and_failed-when_end_it$")},
		},
		{
			name: "success-before-failure", file: verdict,
			old:   "\tif verdict, err := failureOf(object, failed); err != nil || verdict.Done {\n\t\treturn verdict, err\n\t}\n\tif verdict, err := successOf(object, ready); err != nil || verdict.Done {\n\t\treturn verdict, err\n\t}\n",
			new:   "\tif verdict, err := successOf(object, ready); err != nil || verdict.Done {\n\t\treturn verdict, err\n\t}\n\tif verdict, err := failureOf(object, failed); err != nil || verdict.Done {\n\t\treturn verdict, err\n\t}\n",
			means: "a hook that meets both conditions counts as succeeded",
			tests: []suite{below("health", "^TestJudge$"), kube("^TestRunHook$/^ready-when_and_failed-when_end_it$")},
		},
		{
			name: "old-conditions-count", file: conditions,
			old:   "return !known || !said || seen >= generation",
			new:   "return !known || !said || seen <= generation",
			means: "ready-when is met by what was true of the object before it was changed",
			tests: []suite{below("health", "^TestReadiness$/^by_conditions$"), below("health", "^TestJudge$/^a_status_of_an_earlier_generation_does_not_count$"), kube("^TestConditions$"), kube("^TestRunHook$/^ready-when_and_failed-when_end_it$")},
		},
		{
			name: "one-condition-is-enough", file: conditions,
			old:   "\t\tif !met {\n\t\t\treturn false, nil\n\t\t}\n\t}\n\treturn true, nil\n",
			new:   "\t\tif met {\n\t\t\treturn true, nil\n\t\t}\n\t}\n\treturn len(c) == 0, nil\n",
			means: "of several conditions one is enough",
			tests: []suite{below("health", "^TestMet$/^several_must_all_hold$")},
		},
		{
			name: "logs-lost-without-the-right", file: "pkg/kube/hook.go",
			old:   "container[\"terminationMessagePolicy\"] = \"FallbackToLogsOnError\"",
			new:   "container[\"terminationMessagePolicy\"] = \"File\"",
			means: "where logs may not be read, nobody learns why a migration failed",
			tests: []suite{kube("^TestWithLogMessages$")},
		},
		{
			name: "weights-backwards", file: "pkg/hook/filters.go",
			old:   "cmp.Compare(a.Weight, b.Weight)",
			new:   "cmp.Compare(b.Weight, a.Weight)",
			means: "the migration runs before the backup",
			tests: []suite{pure("hook"), pure("plan"), pure("lifecycle")},
		},
		{
			name: "unknown-phases-dropped", file: "pkg/hook/annotations.go",
			old:   "errs = append(errs, err)\n\t\t\tword = replaced\n",
			new:   "if word == \"\" {\n\t\t\t\terrs = append(errs, err)\n\t\t\t}\n\t\t\tword = replaced\n",
			means: "a hook of phase pre-instal never runs, and nobody is told",
			tests: []suite{pure("hook")},
		},
	}
}
