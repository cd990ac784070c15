// Package helm asks Helm itself what becomes of values, on install and in upgrades, and keeps the answers in the table
// that the plugin's own tests read. It also renders charts with Helm and with the plugin, which must come to the same.
package helm

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"k8s.io/client-go/kubernetes/fake"
)

var update = flag.Bool("update", false, "write what Helm gives into the table")

const tablePath = "testdata/values.yaml"

// revision is what one revision of a release is made from; the head of the table says more.
type revision struct {
	Pack, Schema string
	Files        map[string]string
	Flags        []string
}

// result is what became of the values: those recorded as given and those that templates see, or why there are none.
type result struct {
	Given   map[string]any `json:"given,omitempty"`
	All     map[string]any `json:"all,omitempty"`
	Refused string         `json:"refused,omitempty"`
}

func TestTheTableSaysWhatHelmDoes(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile(tablePath)
	if err != nil {
		t.Fatal(err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(table, &document); err != nil {
		t.Fatal(err)
	}
	clients := fake.NewClientset()
	for i, row := range document.Content[0].Content {
		history := newHistory(clients.CoreV1().Secrets(fmt.Sprint("row-", i)), t.TempDir())
		if err := answer(history, row); err != nil {
			t.Fatal(err)
		}
	}
	want, err := encode(&document)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(tablePath, want, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(want), string(table)); diff != "" {
		t.Errorf("the table is not what Helm gives; -update writes it (-Helm +table):\n%s", diff)
	}
}

// answer writes into a row what Helm makes of it.
func answer(history *history, row *yaml.Node) error {
	revisions := entry(row, "revisions")
	if revisions == nil {
		return fmt.Errorf("line %d: a row without revisions", row.Line)
	}
	for _, node := range revisions.Content {
		var from revision
		if err := node.Decode(&from); err != nil {
			return err
		}
		result, err := history.next(from)
		if err != nil {
			return fmt.Errorf("line %d: %w", node.Line, err)
		}
		if err := set(node, "helm", result); err != nil {
			return fmt.Errorf("line %d: %w", node.Line, err)
		}
	}
	return nil
}

// entry returns the value of a key of a mapping, nil where it has none.
func entry(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// set gives a key of a mapping a value, a line for each of its keys.
func set(mapping *yaml.Node, key string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	// JSON is YAML, and has every value in one form only.
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return err
	}
	node := document.Content[0]
	plain(node)
	node.Style = 0
	if old := entry(mapping, key); old != nil {
		*old = *node
		return nil
	}
	mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, node)
	return nil
}

// plain takes the quotes away that are not needed.
func plain(node *yaml.Node) {
	node.Style &^= yaml.DoubleQuotedStyle
	for _, child := range node.Content {
		plain(child)
	}
}

// encode writes the table with a blank line before each row.
func encode(document *yaml.Node) ([]byte, error) {
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(document); err != nil {
		return nil, err
	}
	return regexp.MustCompile(`\n+- row:`).ReplaceAll(text.Bytes(), []byte("\n\n- row:")), nil
}
