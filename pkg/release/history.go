package release

// History is the revisions of one release, oldest first. Revisions in it carry what lists show, and may lack the rest.
type History []*Release

// Newest returns the newest revision; nil where there is none.
func (h History) Newest() *Release {
	if len(h) == 0 {
		return nil
	}
	return h[len(h)-1]
}

// Deployed returns the revision that is deployed: the highest that says so, because a run may have been interrupted
// after it recorded the new one and before it superseded the old one. nil where there is none.
func (h History) Deployed() *Release {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].Status.Phase == Deployed {
			return h[i]
		}
	}
	return nil
}

// NextRevision returns the number of the next revision, one above the highest there is.
func (h History) NextRevision() int {
	if newest := h.Newest(); newest != nil {
		return newest.Spec.Revision + 1
	}
	return 1
}

// EverDeployed reports whether a revision was deployed since the release was last uninstalled.
func (h History) EverDeployed() bool {
	for i := len(h) - 1; i >= 0 && h[i].Status.Phase != Uninstalled; i-- {
		if phase := h[i].Status.Phase; phase == Deployed || phase == Superseded {
			return true
		}
	}
	return false
}
