package plugin

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
)

func TestDiffFlags(t *testing.T) {
	t.Parallel()
	t.Run("they become options", diffFlagsBecomeOptions)
	t.Run("what is refused", diffFlagsAreRefused)
}

// readDiff reads the flags of diff.
func readDiff(args ...string) (*DiffOptions, error) {
	flags, command := DiffFlags{}, newDiffCommand(nil, genericiooptions.NewTestIOStreamsDiscard())
	command.ResetFlags()
	flags.AddFlags(command)
	if err := command.ParseFlags(args); err != nil {
		return nil, err
	}
	return flags.ToOptions(command, command.Flags().Args())
}

func diffFlagsBecomeOptions(t *testing.T) {
	t.Parallel()
	options, err := readDiff("release/shop", "./pack", "--set", "a=b", "--force-conflicts", "--take-ownership", "--recreate-immutable", "--delete-crds", "--create-namespace", "--reset-values")
	if err != nil {
		t.Fatal(err)
	}
	want := plan.Options{ForceConflicts: true, TakeOwnership: true, RecreateImmutable: true, DeleteCRDs: true}
	work := options.Upgrade
	if diff := cmp.Diff(want, work.Plan); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	if work.Name != "shop" || work.PackPath != "./pack" || !work.CreateNamespace || !work.Verb.Reuse.Reset || work.Values.Set[0] != "a=b" || !work.isDry() || !work.Review.Diff {
		t.Errorf("options %+v", work)
	}
	options, err = readDiff("shop", "--revision", "3", "--to", "4")
	if err != nil || options.Upgrade != nil || options.Revision != 3 || options.To != 4 {
		t.Errorf("error %v, options %+v", err, options)
	}
}

func diffFlagsAreRefused(t *testing.T) {
	t.Parallel()
	for title, args := range map[string][]string{
		"a name":                        {"Shop"},
		"a form":                        {"shop", "-o", "name"},
		"values without a pack":         {"shop", "--set", "a=b"},
		"a flag of the plan without":    {"shop", "--no-hooks"},
		"a revision with a pack":        {"shop", "./pack", "--revision", "1"},
		"another with a pack":           {"shop", "./pack", "--to", "1"},
		"another revision alone":        {"shop", "--to", "1"},
		"no revision":                   {"shop", "--revision", "0"},
		"a negative one":                {"shop", "--revision", "1", "--to", "-1"},
		"two ways to reuse the values":  {"shop", "./pack", "--reuse-values", "--reset-values"},
		"a phase that there is not":     {"shop", "./pack", "--skip-hooks", "pre-lunch"},
		"values and revisions together": {"shop", "--revision", "1", "-f", "values.yaml"},
	} {
		if _, err := readDiff(args...); exitCode(t.Context(), diffError{err}) != exitInput || err == nil {
			t.Errorf("%s: error %v", title, err)
		}
	}
}
