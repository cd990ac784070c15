package pack

import (
	"encoding/json"
	"slices"
)

// Origin is where one of the merged values comes from.
type Origin struct {
	// Path is that of the value, as --set takes it.
	Path string `json:"path"`
	From Source `json:"from"`
	// Beats are the weaker sources that give the value, too, the strongest first.
	Beats []Beaten `json:"beats,omitempty"`
}

// Beaten is what a source gives that does not count.
type Beaten struct {
	Source
	Value any `json:"value"`
	// Cut says that the value is too long for what this was written to; it is nil then.
	Cut bool `json:"cut,omitempty"`
}

// Explain returns where each of the merged values comes from that is no mapping with keys in it, in the order of their
// paths. A value that the user has deleted with null is among them. layers are what was merged, from the weakest to the
// strongest; what is in none of them is a default of the schema.
func Explain(layers []Layer, merged map[string]any) []Origin {
	var origins []Origin
	eachLeaf(withDeleted(layers, merged), nil, func(path []string, _ any) {
		origins = append(origins, originOf(layers, path))
	})
	return origins
}

// withDeleted returns the merged values with a null for each that a layer deletes from a weaker one.
func withDeleted(layers []Layer, merged map[string]any) map[string]any {
	all := Copy(merged)
	for i, layer := range layers {
		eachLeaf(layer.Values, nil, func(path []string, value any) {
			if value != nil {
				return
			}
			_, length, found := valueAt(all, path)
			weaker := func(l Layer) bool { _, _, found := valueAt(l.Values, path); return found }
			if !found && length == 0 && slices.ContainsFunc(layers[:i], weaker) {
				put(all, path, nil)
			}
		})
	}
	return all
}

// originOf finds the strongest layer that has the path, and the weaker ones.
func originOf(layers []Layer, path []string) Origin {
	origin := Origin{Path: SetPath(path), From: Source{Kind: FromSchema}}
	won := false
	for _, layer := range slices.Backward(layers) {
		value, length, found := valueAt(layer.Values, path)
		switch {
		case found && !won:
			origin.From, won = layer.Source(path), true
		case won && (found || length > 0):
			origin.Beats = append(origin.Beats, Beaten{Source: layer.Source(path[:length]), Value: value})
		}
	}
	return origin
}

// The bounds of what is recorded of origins.
const (
	maxOrigins = 5_000
	maxBeaten  = 200
)

// Short returns origins as a record keeps them: without beaten values of more than 200 bytes, and none at all where there
// are more than 5,000.
func Short(origins []Origin) []Origin {
	if len(origins) > maxOrigins {
		return nil
	}
	kept := slices.Clone(origins)
	for i := range kept {
		kept[i].Beats = slices.Clone(kept[i].Beats)
		for j, beaten := range kept[i].Beats {
			if text, err := json.Marshal(beaten.Value); err != nil || len(text) > maxBeaten {
				kept[i].Beats[j].Value, kept[i].Beats[j].Cut = nil, true
			}
		}
	}
	return kept
}

// Kept returns values of an earlier revision as a layer. origins are those that are recorded with it; what is not among
// them the user gave, nobody knows how.
func Kept(values map[string]any, origins []Origin, revision int) Layer {
	known := make(map[string]Source, len(origins))
	for _, origin := range origins {
		known[origin.Path] = origin.From
	}
	return Layer{Values: values, Source: func(path []string) Source {
		source, found := known[SetPath(path)]
		if !found {
			source = Source{Kind: FromUser}
		}
		if source.Revision == 0 {
			source.Revision = revision
		}
		return source
	}}
}
