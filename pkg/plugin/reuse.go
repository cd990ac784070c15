package plugin

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// ValueReuse says what becomes of the values of the deployed revision, as Helm's flags of these names do. With none of
// them set, they are kept if the user gives none, and else dropped.
type ValueReuse struct {
	// Reuse keeps all of them, the defaults of the old pack included.
	Reuse bool
	// Reset drops them.
	Reset bool
	// ResetThenReuse keeps those that were given, over the defaults of the new pack.
	ResetThenReuse bool
}

func (r *ValueReuse) addFlags(command *cobra.Command) {
	command.Flags().BoolVar(&r.Reuse, "reuse-values", false, "Keep all values of the deployed revision, its pack's defaults included, and lay those given over them.")
	command.Flags().BoolVar(&r.Reset, "reset-values", false, "Start from the defaults of the pack, also when no values are given.")
	command.Flags().BoolVar(&r.ResetThenReuse, "reset-then-reuse-values", false, "Start from the defaults of the pack, lay the values given for the deployed revision over them, and those given now over these.")
}

// check refuses flags that contradict each other.
func (r ValueReuse) check() error {
	set := 0
	for _, flag := range []bool{r.Reuse, r.Reset, r.ResetThenReuse} {
		if flag {
			set++
		}
	}
	if set > 1 {
		return inputError{errors.New("of --reuse-values, --reset-values and --reset-then-reuse-values only one can be used")}
	}
	return nil
}

// needs reports whether the values of the deployed revision count.
func (r ValueReuse) needs(given map[string]any) bool {
	return r.Reuse || r.ResetThenReuse || !r.Reset && len(given) == 0
}

// apply completes the values of an upgrade from those of the deployed revision.
func (r ValueReuse) apply(source *input, deployed release.Content) {
	if r.Reuse {
		source.pack.Values = pack.Copy(deployed.Merged)
	}
	source.given = pack.Overlay(deployed.Values, source.given)
}
