package plugin

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

func TestList(t *testing.T) {
	t.Parallel()
	t.Run("releases are chosen by phase", releasesAreChosenByPhase)
}

func releasesAreChosenByPhase(t *testing.T) {
	t.Parallel()
	var all release.History
	for _, phase := range []release.Phase{
		release.PendingInstall, release.PendingUpgrade, release.PendingRollback, release.Deployed,
		release.Superseded, release.Failed, release.Uninstalling, release.Uninstalled,
	} {
		all = append(all, revision(len(all)+1, phase))
	}
	for title, test := range map[string]struct {
		args []string
		want release.History
	}{
		"no flag":      {want: all},
		"all are off":  {args: []string{"--failed=false"}, want: all},
		"deployed":     {args: []string{"--deployed"}, want: all[3:4]},
		"failed":       {args: []string{"--failed"}, want: all[5:6]},
		"pending":      {args: []string{"--pending"}, want: all[:3]},
		"superseded":   {args: []string{"--superseded"}, want: all[4:5]},
		"uninstalling": {args: []string{"--uninstalling"}, want: all[6:7]},
		"uninstalled":  {args: []string{"--uninstalled"}, want: all[7:]},
		"several":      {args: []string{"--pending", "--deployed"}, want: all[:4]},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			var flags ListFlags
			command := &cobra.Command{Use: "list"}
			flags.AddFlags(command)
			if err := command.ParseFlags(test.args); err != nil {
				t.Fatal(err)
			}
			options, err := flags.ToOptions(command)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, options.inPhases(append(release.History(nil), all...))); diff != "" {
				t.Errorf("chosen (-want +got):\n%s", diff)
			}
		})
	}
}

// revision is one of release a/shop, as lists have it.
func revision(number int, phase release.Phase) *release.Release {
	r := release.New("shop", "a", number)
	r.Status.Phase = phase
	return r
}
