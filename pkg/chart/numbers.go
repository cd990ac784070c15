package chart

import (
	"slices"

	"helm.sh/helm/v4/pkg/chart/v2/loader"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

// asHelmReads returns the given values with numbers as Helm has them, because templates see the difference: whole ones are
// floats, as in JSON, save those of --set. names lead to them in what the layers have.
func asHelmReads(values render.Values, names []string) map[string]any {
	given := floats(values.Given)
	for _, layer := range values.Layers {
		// Those that are stronger than --set give strings, which must not be hidden by it.
		if slices.Contains([]pack.SourceKind{pack.FromSet, pack.FromSetString, pack.FromSetFile}, layer.Source(nil).Kind) {
			for _, name := range names {
				layer = layer.At(name)
			}
			given = loader.MergeMaps(given, layer.Values)
		}
	}
	return given
}

// floats returns a deep copy in which every number is a float64. nil gives an empty map.
func floats(values map[string]any) map[string]any { return pack.CopyAs(values, asFloat) }

func asFloat(value any) any {
	if whole, ok := value.(int64); ok {
		return float64(whole)
	}
	return value
}
