package manifest

import (
	"errors"
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/kio/kioutil"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// OwnPrefixes are the annotation prefixes whose values this project reads: its own, and Helm's.
func OwnPrefixes() []string { return []string{"sherpack.io/", "helm.sh/"} }

// File returns the file a resource was decoded from; empty where it is not known.
func File(node *yaml.RNode) string {
	file, _, _ := kioutil.GetFileAnnotations(node)
	return file
}

// unwrap turns a node into resources: itself, or the items of a list.
func (s source) unwrap(node *yaml.RNode) ([]*yaml.RNode, error) {
	if err := s.checkShape(node); err != nil {
		return nil, err
	}
	items := node.Field("items")
	if isEmptyList(node, items) {
		return nil, nil
	}
	if !strings.HasSuffix(node.GetKind(), "List") || items == nil || items.Value.YNode().Kind != yaml.SequenceNode {
		if err := s.check(node); err != nil {
			return nil, err
		}
		return []*yaml.RNode{node}, s.annotate(node)
	}
	var nodes []*yaml.RNode
	var problems []error
	for _, item := range items.Value.Content() {
		if item.Kind != yaml.MappingNode {
			problems = append(problems, s.errorAt(item.Line, "an item of a list must be an object"))
			continue
		}
		found, err := s.unwrap(typed(yaml.NewRNode(item), node))
		nodes, problems = append(nodes, found...), appendError(problems, err)
	}
	return nodes, errors.Join(problems...)
}

// isEmptyList reports whether a node is a list with nothing under `items:`, as templates leave it where a loop has nothing to
// add. Lists have no name: what has one is an object of a kind that is called so.
func isEmptyList(node *yaml.RNode, items *yaml.MapNode) bool {
	return strings.HasSuffix(node.GetKind(), "List") && items != nil && items.Value.IsTaggedNull() &&
		node.GetName() == "" && generateName(node) == ""
}

// typed gives an item of a typed list (ConfigMapList) the kind it need not spell out, as kubectl does.
func typed(item, list *yaml.RNode) *yaml.RNode {
	kind := strings.TrimSuffix(list.GetKind(), "List")
	if item.GetKind() == "" && kind != "" {
		item.SetKind(kind)
		item.SetApiVersion(list.GetApiVersion())
	}
	return item
}

// check refuses what the API server could not even address.
func (s source) check(node *yaml.RNode) error {
	line := node.YNode().Line
	var missing []string
	if node.GetApiVersion() == "" {
		missing = append(missing, "apiVersion")
	}
	if node.GetKind() == "" {
		missing = append(missing, "kind")
	}
	if node.GetName() == "" && generateName(node) == "" {
		missing = append(missing, "metadata.name")
	}
	if len(missing) > 0 {
		return s.errorAt(line, fmt.Sprintf("%snot a Kubernetes object: no %s", title(node), strings.Join(missing, ", no ")))
	}
	return s.checkStrings(node)
}

// checkShape refuses what the YAML library could not even look into.
func (s source) checkShape(node *yaml.RNode) error {
	fields := []*yaml.MapNode{node.Field("metadata")}
	if metadata := fields[0]; metadata != nil && metadata.Value.YNode().Kind == yaml.MappingNode {
		fields = append(fields, metadata.Value.Field("annotations"), metadata.Value.Field("labels"))
	}
	for _, field := range fields {
		if field == nil || field.Value.IsTaggedNull() {
			continue
		}
		if value := field.Value.YNode(); value.Kind != yaml.MappingNode {
			return s.errorAt(value.Line, field.Key.YNode().Value+" must be a mapping")
		}
	}
	return nil
}

// checkStrings refuses `name: 123`, which the API server would refuse much later and with fewer words.
func (s source) checkStrings(node *yaml.RNode) error {
	for _, path := range [][]string{{"apiVersion"}, {"kind"}, {"metadata", "name"}, {"metadata", "namespace"}} {
		field, err := node.Pipe(yaml.Lookup(path...))
		if err != nil || field.IsNil() || field.IsTaggedNull() {
			continue
		}
		if value := field.YNode(); value.Kind != yaml.ScalarNode || value.ShortTag() != yaml.NodeTagString {
			return s.errorAt(value.Line, fmt.Sprintf("%s%s must be a string (quote it)", title(node), strings.Join(path, ".")))
		}
	}
	return nil
}

func generateName(node *yaml.RNode) string {
	name, err := node.GetString("metadata.generateName")
	if err != nil {
		return ""
	}
	return name
}

// title names a resource as far as it is known, for a message.
func title(node *yaml.RNode) string {
	if node.GetKind() == "" && node.GetName() == "" {
		return ""
	}
	return strings.Trim(node.GetKind()+"/"+node.GetName(), "/") + ": "
}

// annotate makes strings of our own annotations and remembers the file.
func (s source) annotate(node *yaml.RNode) error {
	if annotations := annotationsOf(node); annotations != nil {
		for i := 0; i+1 < len(annotations.Content); i += 2 {
			if err := s.quote(annotations.Content[i].Value, annotations.Content[i+1]); err != nil {
				return err
			}
		}
	}
	if s.file == "" {
		return nil
	}
	return node.PipeE(yaml.SetAnnotation(kioutil.PathAnnotation, s.file))
}

func annotationsOf(node *yaml.RNode) *yaml.Node {
	metadata := node.Field("metadata")
	if metadata == nil {
		return nil
	}
	annotations := metadata.Value.Field("annotations")
	if annotations == nil || annotations.Value.YNode().Kind != yaml.MappingNode {
		return nil
	}
	return annotations.Value.YNode()
}

// quote makes a string of the value of one of our annotations; only a scalar can be one.
func (s source) quote(key string, value *yaml.Node) error {
	if !isOwn(key) {
		return nil
	}
	if value.Kind != yaml.ScalarNode {
		return s.errorAt(value.Line, fmt.Sprintf("annotation %s: expected a string", key))
	}
	if value.Tag == yaml.NodeTagNull {
		value.Value = ""
	}
	if value.Tag != yaml.NodeTagString {
		value.Tag, value.Style = yaml.NodeTagString, yaml.DoubleQuotedStyle
	}
	return nil
}

func isOwn(key string) bool {
	for _, prefix := range OwnPrefixes() {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}
