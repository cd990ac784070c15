package plugin

import (
	"errors"
	"fmt"

	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// withStanding adds to the error of work that was recorded and not undone how the release stands now, and what to do next.
func (s *session) withStanding(done plan.Plan, result plan.Result, err error) error {
	if result.Release == nil || result.Release.ResourceVersion == "" || errors.Is(err, storage.ErrLockLost) {
		return err
	}
	if outcome := standing(done, result, err, inNamespace(s.Getter)); outcome != "" {
		return &RunError{Failure: err, Outcome: outcome}
	}
	return err
}

// inNamespace is the flag that further commands need where this one was given it; "" where the namespace is the context's.
func inNamespace(getter genericclioptions.RESTClientGetter) string {
	if namespace, given, err := getter.ToRawKubeConfigLoader().Namespace(); err == nil && given {
		return " -n " + namespace
	}
	return ""
}

// toContinue says how an operation that was interrupted is continued. name is the release's, with inNamespace.
func toContinue(name string) string { return "To continue: kubectl sherpack resume " + name }

// standing says how a release stands after work on it has failed; "" where that is not known, or the work changes nothing. Commands
// that it names end in inNamespace.
func standing(done plan.Plan, result plan.Result, err error, inNamespace string) string {
	if done.Operation.ChangesHands() {
		return fmt.Sprintf("Run %s again; it continues.", done.Operation)
	}
	r, deployed := result.Release, done.History.Deployed()
	name, unchanged := r.Name+inNamespace, ""
	if deployed != nil && result.Extent == plan.ExtentNone {
		unchanged = fmt.Sprintf("Revision %d is still deployed and unchanged.", deployed.Spec.Revision)
	}
	if errors.Is(err, lifecycle.ErrInterrupted) && r.Status.Interrupted != "" {
		return words.Join("\n", unchanged, toContinue(name))
	}
	if r.Status.Phase != release.Failed {
		return ""
	}
	switch {
	case done.Operation == release.OperationInstall:
		return fmt.Sprintf("Fix the pack and run install again, or clean up: kubectl sherpack uninstall %s", name)
	case done.Operation == release.OperationUninstall:
		return "Run uninstall again; it continues."
	case deployed == nil:
		return ""
	case unchanged != "":
		return fmt.Sprintf("%s Fix the pack and run %s again.", unchanged, done.Operation)
	default:
		return fmt.Sprintf("Revision %d was the last one deployed; revision %d is partly applied over it. Fix the pack and run upgrade again, or roll back: kubectl sherpack rollback %s",
			deployed.Spec.Revision, r.Spec.Revision, name)
	}
}
