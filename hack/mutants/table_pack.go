package main

// packMutants are about reading packs that somebody else made.
func packMutants() []mutant {
	const archive, limits = "pkg/pack/archive.go", "pkg/pack/limits.go"
	tests := []suite{pure("pack")}
	return []mutant{
		{
			name: "headers-unbounded", file: archive,
			old:   "limited := newBounded(unzipped, 2*maxTotal)",
			new:   "limited := newBounded(unzipped, 1<<62)",
			means: "an archive of nothing but headers keeps a machine busy for hours",
			tests: tests,
		},
		{
			name: "entries-lead-out", file: archive,
			old:   "if part == \"..\" {",
			new:   "if part == \"...\" {",
			means: "an archive reaches files outside of the pack",
			tests: tests,
		},
		{
			name: "entries-uncounted", file: limits,
			old:   "if b.entries--; b.entries < 0 {",
			new:   "if b.entries--; b.bytes < 0 {",
			means: "an archive of a billion empty files fills the memory",
			tests: tests,
		},
		{
			name: "archives-nested-unbounded", file: archive,
			old:   "inside, err := b.archive(bytes.NewReader(file.Data))",
			new:   "inside, err := newBudget().archive(bytes.NewReader(file.Data))",
			means: "an archive of archives fills the memory, each within its own bounds",
			tests: tests,
		},
		{
			name: "digests-uncompared", file: "pkg/dependency/update.go",
			old:   "at := slices.IndexFunc(all, is)",
			new:   "at := 0",
			means: "dependency build takes what Pack.lock does not say",
			tests: []suite{pure("dependency")},
		},
		{
			name: "files-unbounded", file: limits,
			old:   "case len(data) > maxFile:",
			new:   "case len(data) > maxTotal:",
			means: "files are read that are cut off at their limit",
			tests: tests,
		},
	}
}
