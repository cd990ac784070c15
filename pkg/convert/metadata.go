package convert

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
)

// metadata is what stands in Pack.yaml below the key of that name, with the comments of Chart.yaml.
type metadata struct {
	node *yaml.Node
	// comment stands above all.
	comment string
}

// convertMetadata moves what Chart.yaml says.
func (c *conversion) convertMetadata() metadata {
	found := metadata{node: &yaml.Node{Kind: yaml.MappingNode}}
	document, mapping := c.read(pack.ChartFile)
	if mapping == nil {
		return found
	}
	texts := c.texts()
	found.comment = document.HeadComment
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		text, isText := texts[key.Value]
		switch {
		case slices.Contains([]string{"apiVersion", "type"}, key.Value):
			found.comment = strings.TrimSpace(found.comment + "\n" + key.HeadComment)
			continue
		case key.Value == "dependencies":
			continue
		case isText:
			asText(value, text)
		case key.Value == "annotations":
			for j := 0; j+1 < len(value.Content); j += 2 {
				asText(value.Content[j+1], c.chart.Metadata.Annotations[value.Content[j].Value])
			}
		case !slices.Contains([]string{"sources", "keywords", "maintainers"}, key.Value):
			c.note(pack.ChartFile, key.Line, "%s is left out: packs have no such key", key.Value)
			continue
		}
		found.node.Content = append(found.node.Content, key, value)
	}
	return found
}

// read returns what Chart.yaml or requirements.yaml holds. The mapping is nil where that is none, which Helm has read before.
func (c *conversion) read(file string) (document, mapping *yaml.Node) {
	data, _ := c.chart.Text(file)
	document = &yaml.Node{}
	if err := yaml.Unmarshal(data, document); err != nil || len(document.Content) == 0 || document.Content[0].Kind != yaml.MappingNode {
		c.complain(file, 0, "cannot be converted: it is not a plain mapping of keys to values")
		return document, nil
	}
	return document, document.Content[0]
}

// texts are the values that are texts, as Helm reads them: one that is not quoted may be a number to others.
func (c *conversion) texts() map[string]string {
	m := c.chart.Metadata
	return map[string]string{
		"name": m.Name, "version": m.Version, "description": m.Description, "appVersion": m.AppVersion, "kubeVersion": m.KubeVersion,
		"home": m.Home, "icon": m.Icon,
	}
}

// asText makes sure that a value is read as a text.
func asText(value *yaml.Node, text string) {
	if value.Kind == yaml.ScalarNode && (value.ShortTag() != "!!str" || value.Value != text) {
		value.Value, value.Tag, value.Style = text, "!!str", yaml.DoubleQuotedStyle
	}
}

// encode writes Pack.yaml.
func (c *conversion) encode(strict bool) []byte {
	text := func(value string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: value} }
	root := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
		text("apiVersion"), text("sherpack/v1"), text("kind"), text(string(c.chart.Kind)), text("metadata"), c.metadata.node,
	}}
	root.Content[0].HeadComment = c.metadata.comment
	if c.dependencies.list != nil {
		root.Content = append(root.Content, text("dependencies"), c.dependencies.list)
	}
	if !strict {
		engine := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{text("strict"), {Kind: yaml.ScalarNode, Tag: "!!bool", Value: "false"}}}
		root.Content = append(root.Content, text("engine"), engine)
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	// What was read can be written, and a buffer takes it.
	_ = encoder.Encode(root)
	return out.Bytes()
}

// lineOf is the line of a key of Chart.yaml, 0 where it is not known.
func (c *conversion) lineOf(key string) int {
	_, mapping := c.read(pack.ChartFile)
	for i := 0; mapping != nil && i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i].Line
		}
	}
	return 0
}
