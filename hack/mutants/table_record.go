package main

// recordMutants are about what is stored of a release.
func recordMutants() []mutant {
	const write, retire, parts, read = "pkg/storage/write.go", "pkg/storage/retire.go", "pkg/storage/parts.go", "pkg/storage/read.go"
	const secrets, head = "pkg/storage/secrets.go", "pkg/storage/head.go"
	return []mutant{
		{
			name: "head-before-parts", file: write,
			old:   "if err := s.createParts(ctx, parts); err != nil {\n\t\treturn err\n\t}\n\tcreated, err := s.createSecret(ctx, head)\n",
			new:   "created, err := s.createSecret(ctx, head)\n\tif err := s.createParts(ctx, parts); err != nil {\n\t\treturn err\n\t}\n",
			means: "a command that is killed while it records leaves a head without parts: the release is damaged",
			tests: []suite{storage("^TestTheHeadIsWrittenLast$")},
		},
		{
			name: "parts-dropped-before-heads", file: write,
			old:   "[][]string{heads[:newest], heads[newest:], parts}",
			new:   "[][]string{parts, heads[:newest], heads[newest:]}",
			means: "an uninstallation that is killed at its end leaves a release that cannot be read",
			tests: []suite{storage("^TestADropTakesHeadsFirst")},
		},
		{
			name: "newest-head-dropped-first", file: write,
			old:   "[][]string{heads[:newest], heads[newest:], parts}",
			new:   "[][]string{heads[newest:], heads[:newest], parts}",
			means: "an uninstallation that is killed at its end leaves an old revision that passes for the newest",
			tests: []suite{storage("^TestADropTakesHeadsFirst")},
		},
		{
			name: "status-without-precondition", file: head,
			old:   "\"resourceVersion\": r.ResourceVersion, \"labels\": marks",
			new:   "\"labels\": marks",
			means: "two commands overwrite each other's status",
			tests: []suite{storage("^TestAStaleStatusIsRefused$")},
		},
		{
			name: "superseded-without-precondition", file: retire,
			old:   "\"resourceVersion\": r.ResourceVersion, \"labels\"",
			new:   "\"labels\"",
			means: "a revision that another command has just deployed is called superseded",
			tests: []suite{storage("^TestAStaleRevisionIsNotSuperseded$")},
		},
		{
			name: "inventory-without-precondition", file: parts,
			old:   "\"resourceVersion\": part.ResourceVersion, \"annotations\"",
			new:   "\"annotations\"",
			means: "two commands overwrite each other's inventory: objects are never deleted",
			tests: []suite{storage("^TestAStaleInventoryIsRefused$")},
		},
		{
			name: "status-over-another-run", file: write,
			old:   "found.Status.Writer != s.run || found.Status.Seq >= r.Status.Seq",
			new:   "found.Status.Seq >= r.Status.Seq",
			means: "after a lost answer a command overwrites the status of the one that took over",
			tests: []suite{storage("^TestAStaleStatusIsRefused$|^TestALostAnswerDoesNotHideAnothersWrite$")},
		},
		{
			name: "inventory-over-another-run", file: write,
			old:   "found.Annotations[annotationWriter] != s.run || found.ResourceVersion == part.ResourceVersion",
			new:   "found.ResourceVersion == part.ResourceVersion",
			means: "a conflict about an inventory counts as this run's own lost answer, and the other's is overwritten",
			tests: []suite{storage("^TestAStaleInventoryIsRefused$|^TestALostAnswerDoesNotHideAnothersWrite$")},
		},
		{
			name: "revision-of-another-run", file: write,
			old:   "if failure == nil && (found.Labels[labelRun] == s.run || found.Annotations[annotationWriter] == s.run) {",
			new:   "if failure == nil {",
			means: "after a lost answer another command's revision counts as this one's",
			tests: []suite{storage("^TestALostAnswerDoesNotHideAnothersRevision$|^TestARevisionIsCreatedOnce$")},
		},
		{
			name: "parts-dropped-under-a-head", file: write,
			old:   "\tcase !apierrors.IsNotFound(err):\n\t\treturn nil, errors.Join(failure, err)\n\t}\n",
			new:   "\t}\n",
			means: "where the network goes while a revision is recorded, its parts are removed under its head",
			tests: []suite{storage("^TestAHeadKeepsItsPartsWhenTheNetworkGoes$")},
		},
		{
			name: "parts-left-by-an-interrupt", file: write,
			old:   "ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), aftermath)",
			new:   "ctx, cancel := context.WithTimeout(ctx, aftermath)",
			means: "Ctrl-C while a revision is recorded leaves parts that nobody removes",
			tests: []suite{storage("^TestACreationThatIsInterruptedLeavesNothing$")},
		},
		{
			name: "newer-format-read", file: head,
			old:   "case version > release.FormatVersion:",
			new:   "case version > release.FormatVersion+1:",
			means: "a record of a newer version is read as if it meant the same",
			tests: []suite{storage("^TestADamagedRecordSaysWhatIsWrong$")},
		},
		{
			name: "payload-unchecked", file: read,
			old:   "if digest(packed) != head.Annotations[annotationPayloadDigest] {",
			new:   "if digest(packed) == \"\" {",
			means: "a payload of other parts is rolled back to",
			tests: []suite{storage("^TestADamagedRecordSaysWhatIsWrong$|^TestThePayloadCannotBeEdited$")},
		},
		{
			name: "bombs-unpacked", file: parts,
			old:   "io.LimitReader(decoder, int64(limit)+1)",
			new:   "decoder",
			means: "an edited record fills the memory of whoever reads it",
			tests: []suite{storage("^TestBombsAreRefused$")},
		},
		{
			name: "first-inventory-part-only", file: read,
			old:   "for number := range min(count, len(parts)+1) {",
			new:   "for number := range min(count, 1) {",
			means: "the inventory of a large release is read without most of its objects, which are never deleted",
			tests: []suite{storage("^TestInventoriesOfAllSizes$|^TestAnEntryInTwoPartsCountsOnce$")},
		},
		{
			name: "secrets-of-others-dropped", file: retire,
			old:   "case !belongs(found[i].Name):",
			new:   "case found[i].Name == \"\" && !belongs(found[i].Name):",
			means: "an uninstallation deletes a Secret that only has labels like ours",
			tests: []suite{storage("^TestADropLeavesWhatIsNotOfTheRelease$")},
		},
		{
			name: "sweep-of-the-living", file: retire,
			old:   "if len(heads) > 0 || len(parts) == 0 {",
			new:   "if len(heads) < 0 || len(parts) == 0 {",
			means: "uninstall removes the parts of a release that another command has just installed",
			tests: []suite{storage("^TestOnlyWhatIsLeftIsSwept$")},
		},
		{
			name: "oldest-listed", file: secrets,
			old:   "return revision < newest[release]",
			new:   "return revision > 1 && newest[release] > 0",
			means: "list shows the first revision of a release, not the newest",
			tests: []suite{storage("^TestAListHasTheNewestRevisionOfEachRelease$")},
		},
		{
			name: "removed-counts-as-deployed", file: "pkg/release/history.go",
			old:   "return h.sinceRemoval().last(func(r *Release) bool { return r.Status.Phase == Deployed })",
			new:   "return h.last(func(r *Release) bool { return r.Status.Phase == Deployed })",
			means: "after an uninstallation with --keep-history, --atomic goes back to what is not there any more",
			tests: []suite{pure("release"), pure("lifecycle")},
		},
		{
			name: "numbers-used-twice", file: "pkg/release/history.go",
			old:   "return newest.Spec.Revision + 1",
			new:   "return len(h) + 1",
			means: "once --history-max has dropped a revision, upgrades fail because theirs exists",
			tests: []suite{pure("release"), script("history")},
		},
	}
}
