package release_test

import (
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

func TestDescription(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		said      string
		from      int
		helm      int
		operation release.Operation
		phase     release.Phase
		message   string
		want      string
	}{
		"what the user said counts most":         {said: "for Ann", operation: "upgrade", phase: release.Failed, message: "no", want: "for Ann"},
		"then what went wrong":                   {operation: "upgrade", phase: release.Failed, message: "no", want: "no"},
		"also where the revision stays in place": {operation: "uninstall", phase: release.Deployed, message: "no", want: "no"},
		"installed":                              {operation: "install", phase: release.Deployed, want: "Install complete"},
		"installed, and since replaced":          {operation: "install", phase: release.Superseded, want: "Install complete"},
		"upgraded":                               {operation: "upgrade", phase: release.Deployed, want: "Upgrade complete"},
		"upgrading":                              {operation: "upgrade", phase: release.PendingUpgrade, want: "Upgrade in progress"},
		"failed without a word":                  {operation: "install", phase: release.Failed, want: "Install failed"},
		"rolled back":                            {from: 3, operation: "rollback", phase: release.Deployed, want: "Rollback to 3"},
		"rolling back":                           {from: 3, operation: "rollback", phase: release.PendingRollback, want: "Rollback to 3 in progress"},
		"not rolled back":                        {from: 3, operation: "rollback", phase: release.Failed, want: "Rollback to 3 failed"},
		"restored after it was uninstalled":      {from: 3, operation: "install", phase: release.Deployed, want: "Rollback to 3"},
		"restored, and uninstalled again":        {from: 3, operation: "uninstall", phase: release.Uninstalled, want: "Uninstall complete"},
		"taken over from Helm":                   {helm: 3, operation: "adopt", phase: release.Deployed, want: "Adopted from Helm revision 3"},
		"taking over from Helm":                  {helm: 3, operation: "adopt", phase: release.PendingInstall, want: "Adopt in progress"},
		"not taken over from Helm":               {helm: 3, operation: "adopt", phase: release.Failed, want: "Adopt failed"},
		"taken over, and uninstalled":            {helm: 3, operation: "uninstall", phase: release.Uninstalled, want: "Uninstall complete"},
		"uninstalling":                           {operation: "uninstall", phase: release.Uninstalling, want: "Uninstall in progress"},
		"uninstalled":                            {operation: "uninstall", phase: release.Uninstalled, want: "Uninstall complete"},
		"nothing is known":                       {phase: release.Failed, want: ""},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			r := release.New("shop", "web", 4)
			r.Spec.FromRevision, r.Spec.FromHelm, r.Spec.Description = test.from, test.helm, test.said
			r.Status.Operation, r.Status.Phase, r.Status.Message = test.operation, test.phase, test.message
			if got := r.Description(); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
