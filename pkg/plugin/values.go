package plugin

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/pflag"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// valuesFlags give values, with Helm's names and syntax.
type valuesFlags struct {
	pack.ValueSources
	// Strict refuses all values that the pack does not read.
	Strict bool
}

// AddFlags adds --values, the kinds of --set, and --strict-values.
func (f *valuesFlags) AddFlags(flags *pflag.FlagSet) {
	flags.StringArrayVarP(&f.Files, "values", "f", nil,
		"Read values from a YAML file, or from standard input with '-'. Can be repeated; later files win.")
	flags.StringArrayVar(&f.Set, "set", nil, "Set values, as in key1=val1,key2.sub=val2. Can be repeated.")
	flags.StringArrayVar(&f.SetString, "set-string", nil, "Set values that are always strings. Can be repeated.")
	flags.StringArrayVar(&f.SetJSON, "set-json", nil, "Set values given as JSON, as in key={\"a\":1}. Can be repeated.")
	flags.StringArrayVar(&f.SetFile, "set-file", nil, "Set values to the content of files, as in key=path. Can be repeated.")
	flags.BoolVar(&f.Strict, "strict-values", false, "Refuse values that the pack does not read, also those in files.")
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
	flags.BoolVar(&r.Reuse, "reuse-values", false, "Reuse all values of the deployed revision, including the defaults of its pack, then those given now.")
	flags.BoolVar(&r.Reset, "reset-values", false, "Use the pack's defaults and the values given now, even if none are given.")
	flags.BoolVar(&r.ResetThenReuse, "reset-then-reuse-values", false, "Use the pack's defaults, then the values given for the deployed revision, then those given now.")
}

// Check refuses flags that contradict each other.
func (r *reuseFlags) Check() error {
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

// Looks reports whether the values of the deployed revision matter at all, if only for what is lost of them.
func (r *reuseFlags) Looks() bool { return r != nil && !r.Reset }

// Needs reports whether the values of the deployed revision count. Without flags they do not.
func (r *reuseFlags) Needs(given map[string]any) bool {
	return r != nil && (r.Reuse || r.ResetThenReuse || !r.Reset && len(given) == 0)
}

// Complete adds to the values those of the deployed revision that are to be kept, and checks them all. deployed is nil
// where no revision is, and where nobody knows which. It returns what the user has to know of that.
// Without flags of reuse the values were put together and checked before the cluster was asked.
func (r *reuseFlags) Complete(source *input, history release.History, deployed *release.Release) (notes []string, err error) {
	if r == nil {
		return nil, nil
	}
	if !r.Needs(source.given) {
		return nil, source.Merge()
	}
	if deployed == nil {
		if unknown := history.Unknown(); unknown != nil {
			return nil, valuesLost(unknown, unknown.Record.Damage.Head)
		}
		return nil, source.Merge()
	}
	if err := deployed.Record.Damage.Content; err != nil {
		return nil, valuesLost(deployed, err)
	}
	if len(source.given) == 0 && len(deployed.Content.Values) > 0 {
		notes = append(notes, fmt.Sprintf("reusing the values of revision %d", deployed.Spec.Revision))
	}
	r.apply(source, deployed.Content, history.Origin(deployed))
	return notes, source.Merge()
}

// WarnOfDropped warns of the values given for the deployed revision that are not kept although no flag says so. source is complete,
// and deployed is nil where no revision is.
func (r *reuseFlags) WarnOfDropped(to *warnings, source *input, deployed *release.Release) {
	if !r.Looks() || r.Needs(source.given) || deployed == nil || deployed.Record.Damage.Content != nil {
		return
	}
	if dropped := pack.Dropped(deployed.Content.Values, source.given, source.Merged()); len(dropped) > 0 {
		to.Warn("values given for revision %d are not kept: %s; to keep them, use --reset-then-reuse-values",
			deployed.Spec.Revision, words.List(dropped, fewNames))
	}
}

// valuesLost says that values cannot be kept, because of what cannot be read of the revision that is deployed or may be.
func valuesLost(r *release.Release, err error) error {
	return damageError{
		fmt.Errorf("the values of the deployed revision cannot be read: %w", damage(r, err)),
		"Give all values again, with --values or --set, or use --reset-values.",
	}
}

// apply completes the values of an upgrade from those of the deployed revision, which are those of the revision number.
func (r *reuseFlags) apply(source *input, deployed release.Content, number int) {
	origins := deployed.ValueOrigins()
	if r.Reuse {
		source.defaults = pack.Copy(deployed.Merged)
		source.below = []pack.Layer{pack.Kept(deployed.Merged, origins, number)}
	} else {
		source.below = append(slices.Clip(source.below), pack.Kept(deployed.Values, origins, number))
	}
	source.given = pack.Overlay(deployed.Values, source.given)
}
