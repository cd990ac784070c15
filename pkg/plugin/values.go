package plugin

import (
	"errors"

	"github.com/spf13/pflag"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// valuesFlags give values, with Helm's names and syntax.
type valuesFlags struct{ pack.ValueSources }

// AddFlags adds --values and the kinds of --set.
func (f *valuesFlags) AddFlags(flags *pflag.FlagSet) {
	flags.StringArrayVarP(&f.Files, "values", "f", nil,
		"Read values from a YAML file, or from standard input with '-'. Can be repeated; later files win.")
	flags.StringArrayVar(&f.Set, "set", nil, "Set values, as in key1=val1,key2.sub=val2. Can be repeated.")
	flags.StringArrayVar(&f.SetString, "set-string", nil, "Set values that are always strings. Can be repeated.")
	flags.StringArrayVar(&f.SetJSON, "set-json", nil, "Set values given as JSON, as in key={\"a\":1}. Can be repeated.")
	flags.StringArrayVar(&f.SetFile, "set-file", nil, "Set values to the content of files, as in key=path. Can be repeated.")
}

// reuseFlags say what becomes of the values of the deployed revision, as Helm's flags of these names do. With none of
// them set, they are kept if the user gives none, and else dropped.
type reuseFlags struct {
	// Reuse keeps all of them, the defaults of the old pack included.
	Reuse bool
	// Reset drops them.
	Reset bool
	// ResetThenReuse keeps those that were given, over the defaults of the new pack.
	ResetThenReuse bool
}

// AddFlags adds --reuse-values and the others.
func (r *reuseFlags) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&r.Reuse, "reuse-values", false, "Keep all values of the deployed revision, its pack's defaults included, and lay those given over them.")
	flags.BoolVar(&r.Reset, "reset-values", false, "Start from the defaults of the pack, also when no values are given.")
	flags.BoolVar(&r.ResetThenReuse, "reset-then-reuse-values", false, "Start from the defaults of the pack, lay the values given for the deployed revision over them, and those given now over these.")
}

// Check refuses flags that contradict each other.
func (r reuseFlags) Check() error {
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

// Needs reports whether the values of the deployed revision count.
func (r reuseFlags) Needs(given map[string]any) bool {
	return r.Reuse || r.ResetThenReuse || !r.Reset && len(given) == 0
}

// Apply completes the values of an upgrade from those of the deployed revision.
func (r reuseFlags) Apply(source *input, deployed release.Content) {
	if r.Reuse {
		source.pack.Values = pack.Copy(deployed.Merged)
	}
	source.given = pack.Overlay(deployed.Values, source.given)
}
