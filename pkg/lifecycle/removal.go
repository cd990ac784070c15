package lifecycle

import (
	"slices"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// NewRemoval plans the uninstallation of a release from the inventory of its newest revision, which must have been read
// whole. What is installed last goes first. Custom resource definitions and Namespaces are left: with them would go what
// the release never made.
func NewRemoval(newest *release.Release, options Options) *Plan {
	return &Plan{Operation: Uninstall, Release: newest, Options: options, Steps: removalSteps(newest.Inventory)}
}

// removalSteps deletes what inventory entries name, the last wave first, and reports what outlives the release.
func removalSteps(inventory []release.Entry) []Step {
	entries := slices.Clone(inventory)
	slices.SortStableFunc(entries, func(a, b release.Entry) int { return manifest.Compare(keyOf(b), keyOf(a)) })
	var steps []Step
	for wave := manifest.Waves; wave >= 1; wave-- {
		var members []release.Entry
		for _, entry := range entries {
			if manifest.Wave(entry.Group, entry.Kind) == wave && !outlives(entry) {
				members = append(members, entry)
			}
		}
		if len(members) > 0 {
			steps = append(steps, Step{Verb: Delete, Wave: wave, Entries: members})
		}
	}
	if kept := slices.DeleteFunc(entries, func(entry release.Entry) bool { return !outlives(entry) }); len(kept) > 0 {
		steps = append(steps, Step{Verb: Keep, Entries: kept})
	}
	return steps
}

// outlives reports whether an object stays when its release goes.
func outlives(entry release.Entry) bool {
	return entry.Keep || isNamespace(entry.Version, entry.Kind) && entry.Group == "" ||
		entry.Kind == "CustomResourceDefinition" && entry.Group == "apiextensions.k8s.io"
}
