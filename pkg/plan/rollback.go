package plan

import "github.com/sherpack-io/kubectl-sherpack/pkg/release"

// Rollback returns the request to restore an earlier revision as a new one. target is that revision and previous the
// newest one, both whole; the caller adds their Nodes, as Nodes and Left, and the Scopes.
func Rollback(target, previous *release.Release, history release.History, options Options) Request {
	next := release.New(previous.Name, previous.Namespace, previous.Spec.Revision+1)
	next.Spec.Pack, next.Spec.FromRevision, next.Content = target.Spec.Pack, target.Spec.Revision, target.Content
	if made := target.Spec.Provenance; made != nil {
		// Who restores it is another matter.
		next.Spec.Provenance = &release.Provenance{Commit: made.Commit, Dirty: made.Dirty, Digest: made.Digest}
	}
	operation := release.OperationRollback
	if !history.EverDeployed() {
		// A release that does not exist cannot be left.
		operation = release.OperationInstall
	}
	return Request{
		Operation: operation, Release: next, Previous: previous, History: history, Options: options,
	}
}
