package plugin

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

func TestSession(t *testing.T) {
	t.Parallel()
	t.Run("a release is planned again only if its history has moved", plannedAgainOnlyIfHistoryHasMoved)
}

func plannedAgainOnlyIfHistoryHasMoved(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		// history is what the first plan was made from; there is no revision when the lock is held.
		history release.History
		want    string
	}{
		"it is as it was": {nil, "warning: damaged by 1\nnote 1\n"},
		// What a plan finds out counts only if no other is made in its place.
		"another command has changed it": {release.History{revision(1, release.Deployed)}, "warning: damaged by 2\nnote 2\n"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			var said bytes.Buffer
			s := newSession(t, &said)
			plans := 0
			proposed, found, err := s.propose(t.Context(), func(_ context.Context, at planning) (*proposal, error) {
				plans++
				at.warnings.Warn("damaged by %d", plans)
				at.warnings.Warn("damaged by %d", plans)
				return &proposal{Plan: plan.Plan{History: test.history}, notes: []string{fmt.Sprintf("note %d", plans)}}, nil
			})
			if err != nil || said.Len() > 0 || s.held == nil {
				t.Fatalf("%v, said is %q, the lock is held: %v", err, said.String(), s.held != nil)
			}
			s.tell(proposed, found)
			if diff := cmp.Diff(test.want, said.String()); diff != "" {
				t.Errorf("said (-want +got):\n%s", diff)
			}
		})
	}
}

// newSession opens a session on release shop, on a server without any release. What it says is written into said.
func newSession(t *testing.T, said *bytes.Buffer) *session {
	t.Helper()
	streams := genericiooptions.IOStreams{ErrOut: said}
	flags := newClusterFlags(streams)
	flags.APIServer, flags.KubeConfig, flags.Namespace = &leaseServer(t).Host, ptr.To(os.DevNull), ptr.To("web")
	s, err := open(RunOptions{Name: "shop", Getter: flags, IOStreams: streams}, release.OperationInstall)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.WithoutCancel(t.Context())) })
	return s
}
