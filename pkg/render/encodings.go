package render

import (
	"bytes"
	"encoding/json"
	"strings"
	"text/template"

	"github.com/BurntSushi/toml"
	goyaml "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
)

// encodings are the functions that Helm adds for YAML, JSON and TOML. As there, those that decode put what is wrong
// with the text under the key Error, or into the list, and those that begin with must fail.
func encodings() template.FuncMap {
	functions := template.FuncMap{
		"toYaml":        toYAML,
		"toYamlPretty":  toYAMLPretty,
		"fromYaml":      func(text string) map[string]any { return decodeMap(text, unmarshalYAML) },
		"fromYamlArray": func(text string) []any { return decodeList(text, unmarshalYAML) },
		"toJson":        toJSON,
		"fromJson":      func(text string) map[string]any { return decodeMap(text, json.Unmarshal) },
		"fromJsonArray": func(text string) []any { return decodeList(text, json.Unmarshal) },
		"mustFromJson":  mustFromJSON,
		"toToml":        toTOML,
		"fromToml":      func(text string) map[string]any { return decodeMap(text, toml.Unmarshal) },
	}
	for _, name := range []string{"Yaml", "Json", "Toml"} {
		functions["mustTo"+name] = functions["to"+name]
	}
	return functions
}

func toYAML(value any) (string, error) {
	text, err := yaml.Marshal(value)
	return strings.TrimSuffix(string(text), "\n"), err
}

// toYAMLPretty indents lists below their key.
func toYAMLPretty(value any) (string, error) {
	var text bytes.Buffer
	encoder := goyaml.NewEncoder(&text)
	encoder.SetIndent(2)
	err := encoder.Encode(value)
	return strings.TrimSuffix(text.String(), "\n"), err
}

func toJSON(value any) (string, error) {
	text, err := json.Marshal(value)
	return string(text), err
}

func toTOML(value any) (string, error) {
	var text bytes.Buffer
	err := toml.NewEncoder(&text).Encode(value)
	return text.String(), err
}

func unmarshalYAML(text []byte, into any) error { return yaml.Unmarshal(text, into) }

func decodeMap(text string, unmarshal func([]byte, any) error) map[string]any {
	decoded := map[string]any{}
	if err := unmarshal([]byte(text), &decoded); err != nil {
		decoded["Error"] = err.Error()
	}
	return pack.Copy(decoded)
}

func decodeList(text string, unmarshal func([]byte, any) error) []any {
	var decoded []any
	if err := unmarshal([]byte(text), &decoded); err != nil {
		return []any{err.Error()}
	}
	list, _ := withWholeNumbers(decoded).([]any)
	return list
}

func mustFromJSON(text string) (any, error) {
	var decoded any
	err := json.Unmarshal([]byte(text), &decoded)
	return withWholeNumbers(decoded), err
}

// withWholeNumbers does for any value what pack.Copy does for a mapping.
func withWholeNumbers(value any) any { return pack.Copy(map[string]any{"": value})[""] }
