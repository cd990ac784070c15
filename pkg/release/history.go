package release

import "slices"

// History is the revisions of one release, oldest first. Revisions in it carry what lists show, and may lack the rest. One
// whose head cannot be read is in it, too, so that its number is not used again: Record.Damage says so, and it has no more
// than a number and, where that can be read, a phase.
type History []*Release

// Readable returns the revisions whose heads can be read.
func (h History) Readable() History {
	return slices.DeleteFunc(slices.Clone(h), func(r *Release) bool { return r.Record.Damage.Head != nil })
}

// Newest returns the newest revision; nil where there is none.
func (h History) Newest() *Release {
	if len(h) == 0 {
		return nil
	}
	return h[len(h)-1]
}

// Deployed returns the revision that is deployed: the highest that says so, because a run may have been interrupted
// after it recorded the new one and before it superseded the old one. nil where there is none, and where the release was
// uninstalled since, wholly or in part.
func (h History) Deployed() *Release {
	return h.sinceRemoval().last(func(r *Release) bool { return r.Status.Phase == Deployed })
}

// DeployedBefore returns the last revision below a number that is or was deployed, one that was uninstalled included,
// wholly or in part; nil where there is none. One whose head cannot be read does not count.
func (h History) DeployedBefore(revision int) *Release {
	return h.Readable().last(func(r *Release) bool {
		return r.Spec.Revision < revision && (r.Status.Phase == Deployed || r.Status.Phase == Superseded || r.Removed())
	})
}

// Revision returns the revision of a number; nil where it is not kept.
func (h History) Revision(number int) *Release {
	return h.last(func(r *Release) bool { return r.Spec.Revision == number })
}

// NextRevision returns the number of the next revision, one above the highest there is.
func (h History) NextRevision() int {
	if newest := h.Newest(); newest != nil {
		return newest.Spec.Revision + 1
	}
	return 1
}

// EverDeployed reports whether a revision was deployed since the release was last uninstalled, wholly or in part. One of
// which nobody knows counts as deployed: what may be there must not be installed over, nor removed as if it were new.
func (h History) EverDeployed() bool {
	deployed := h.sinceRemoval().last(func(r *Release) bool {
		return r.Status.Phase == Deployed || r.Status.Phase == Superseded || r.Status.Phase == ""
	})
	return deployed != nil
}

// Unknown returns the last revision since the release was last uninstalled whose phase cannot be read; nil where there is
// none. Where no other is deployed, that one may be.
func (h History) Unknown() *Release {
	return h.sinceRemoval().last(func(r *Release) bool { return r.Status.Phase == "" })
}

// sinceRemoval returns the revisions above the last whose uninstallation has begun to delete things.
func (h History) sinceRemoval() History {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].Removed() {
			return h[i+1:]
		}
	}
	return h
}

func (h History) last(matches func(*Release) bool) *Release {
	for i := len(h) - 1; i >= 0; i-- {
		if matches(h[i]) {
			return h[i]
		}
	}
	return nil
}

// Removed reports whether an uninstallation has deleted what the revision had, wholly or, where it has not come to its
// end, in part. One that fails before it deletes anything leaves the revision as it was.
func (r *Release) Removed() bool {
	return r.Status.Phase == Uninstalled || r.Status.Phase == Uninstalling ||
		r.Status.Phase == Failed && r.Status.Operation == OperationUninstall
}
