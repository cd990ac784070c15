package plugin

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	cliprinters "k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// explainedValue is a value with where it comes from.
type explainedValue struct {
	Path string `json:"path"`
	// Value is nil where the user has deleted it.
	Value any           `json:"value"`
	From  pack.Source   `json:"from"`
	Beats []pack.Beaten `json:"beats,omitempty"`
}

// explainValues completes origins with the values.
func explainValues(origins []pack.Origin, merged map[string]any) []explainedValue {
	values := pack.Paths(merged)
	explained := make([]explainedValue, 0, len(origins))
	for _, origin := range origins {
		explained = append(explained, explainedValue{origin.Path, values[origin.Path], origin.From, origin.Beats})
	}
	return explained
}

// explainRevision returns the values of a revision with where they come from.
func explainRevision(r *release.Release, history release.History) []explainedValue {
	first := history.Origin(r)
	explained := explainValues(r.Content.ValueOrigins(), r.Content.Merged)
	// What was recorded as given then is not of this revision where that was rolled back to it.
	tell := func(source *pack.Source) {
		own := source.Kind == pack.FromDefaults || source.Kind == pack.FromSchema
		if source.Revision == 0 && !own && (first != r.Spec.Revision || source.Kind == pack.FromUser) {
			source.Revision = first
		}
	}
	for i := range explained {
		tell(&explained[i].From)
		explained[i].Beats = slices.Clone(explained[i].Beats)
		for j := range explained[i].Beats {
			tell(&explained[i].Beats[j].Source)
		}
	}
	return explained
}

// below returns those of some values that stand at a path or below it. The error suggests the nearest path.
func below(explained []explainedValue, path []string, merged map[string]any) ([]explainedValue, error) {
	at := pack.SetPath(path)
	found := slices.DeleteFunc(slices.Clone(explained), func(value explainedValue) bool {
		return value.Path != at && !strings.HasPrefix(value.Path, at+".")
	})
	if len(found) > 0 {
		return found, nil
	}
	known := merged
	for i, key := range path {
		inner, there := known[key]
		if known, _ = inner.(map[string]any); there && known != nil {
			continue
		}
		var keys []string
		for name := range above(merged, path[:i]) {
			keys = append(keys, name)
		}
		suggestion := ""
		if nearest := words.Nearest(key, keys); nearest != "" && !there {
			suggestion = fmt.Sprintf("; did you mean %q?", pack.SetPath(append(slices.Clone(path[:i]), nearest)))
		}
		return nil, inputError{fmt.Errorf("there is no value %q%s", at, suggestion)}
	}
	return found, nil
}

// above returns the mapping at a path.
func above(values map[string]any, path []string) map[string]any {
	for _, key := range path {
		values, _ = values[key].(map[string]any)
	}
	return values
}

// formOfValues is the form for machines that -o asks for of values with their origins, which are no object of Kubernetes.
func formOfValues(flag string, flags contentFlags) (dataFormat, error) {
	format := dataFormat(*flags.OutputFormat)
	if *flags.TemplatePrinterFlags.TemplateArgument != "" || format != "" && format != "json" && format != "yaml" {
		return "", inputError{fmt.Errorf("--output %q: with %s it must be 'yaml' or 'json'", format, flag)}
	}
	return format, nil
}

// printExplained prints values with where they come from: as a table, or in the form that was asked for.
func printExplained(explained []explainedValue, format dataFormat, out io.Writer) error {
	if format.ForMachines() {
		return format.Print(map[string]any{"values": append([]explainedValue{}, explained...)}, out)
	}
	table := cliprinters.GetNewTabWriter(out)
	fmt.Fprintln(table, "PATH\tVALUE\tFROM")
	for _, value := range explained {
		fmt.Fprintf(table, "%s\t%s\t%s\n", printers.Line(value.Path), shownValue(value.Value), printers.Line(value.From.String()))
		for _, beaten := range value.Beats {
			text := shownValue(beaten.Value)
			if beaten.Cut {
				text = "…"
			}
			fmt.Fprintf(table, "\t\t  beats %s = %s\n", printers.Line(beaten.Source.String()), text)
		}
	}
	return table.Flush()
}

// maxShownValue is how many characters of a value a table shows.
const maxShownValue = 60

// shownValue writes a value on one line: as in YAML, mappings and lists as in JSON.
func shownValue(value any) string {
	var text []byte
	var err error
	if word, isText := value.(string); isText && !strings.ContainsAny(word, "\n\r\t") {
		text, err = yaml.Marshal(word)
	} else {
		text, err = json.Marshal(value)
	}
	if err != nil {
		return "<unknown>"
	}
	letters := []rune(strings.TrimSuffix(string(text), "\n"))
	if len(letters) > maxShownValue {
		letters = append(letters[:maxShownValue], '…')
	}
	return printers.Line(string(letters))
}
