package manifest

import (
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/kustomize/kyaml/kio/kioutil"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Encode writes resources as one YAML stream, in their order, each behind a line `---` and, where its file is
// known, a comment that names it. DecodeStream reads it back. The nodes are not changed.
func Encode(nodes []*yaml.RNode) (string, error) {
	texts := make([]string, len(nodes))
	var several errgroup.Group
	// Large definitions take long to write.
	several.SetLimit(runtime.GOMAXPROCS(0))
	for i, node := range nodes {
		several.Go(func() (err error) {
			texts[i], err = encode(node)
			return err
		})
	}
	if err := several.Wait(); err != nil {
		return "", err
	}
	return strings.Join(texts, ""), nil
}

func encode(node *yaml.RNode) (string, error) {
	head, file := "---\n", File(node)
	if file != "" {
		head += "# Source: " + file + "\n"
	}
	text := ""
	clean, err := withoutFile(node)
	if err == nil {
		text, err = clean.String()
	}
	if err != nil {
		return "", fmt.Errorf("encoding %s%w", Position(file, node.YNode().Line), err)
	}
	return head + text, nil
}

func withoutFile(node *yaml.RNode) (*yaml.RNode, error) {
	clean := yaml.NewRNode(detached(node.YNode(), yaml.MetadataField, yaml.AnnotationsField))
	if err := clean.PipeE(yaml.ClearAnnotation(kioutil.PathAnnotation)); err != nil {
		return nil, err
	}
	return clean, yaml.ClearEmptyAnnotations(clean)
}

// detached returns a copy of a mapping in which fields can be removed, and in the mappings at a path below it. All else is shared.
func detached(node *yaml.Node, path ...string) *yaml.Node {
	copied := *node
	copied.Content = slices.Clone(node.Content)
	for i := 0; i+1 < len(node.Content) && node.Kind == yaml.MappingNode; i += 2 {
		if len(path) > 0 && node.Content[i].Value == path[0] {
			copied.Content[i+1] = detached(node.Content[i+1], path[1:]...)
		}
	}
	return &copied
}

var sourceComment = regexp.MustCompile(`^# Source: (.+)$`)

// DecodeStream reads a manifest that Encode wrote: the file of each resource is taken from its comment, and
// lines are those of the stream.
func DecodeStream(text []byte) ([]*yaml.RNode, error) {
	nodes, err := Decode("", text, nil)
	if err != nil {
		return nil, err
	}
	for _, node := range nodes {
		if file := takeSource(node.YNode()); file != "" {
			if err := node.PipeE(yaml.SetAnnotation(kioutil.PathAnnotation, file)); err != nil {
				return nil, err
			}
		}
	}
	return nodes, nil
}

// takeSource finds the comment that names the file, which the YAML reader hangs on the mapping or on its first
// key, and removes it so that it is not written twice.
func takeSource(node *yaml.Node) string {
	holders := []*yaml.Node{node}
	if len(node.Content) > 0 {
		holders = append(holders, node.Content[0])
	}
	for _, holder := range holders {
		first, rest, _ := strings.Cut(holder.HeadComment, "\n")
		if match := sourceComment.FindStringSubmatch(first); match != nil {
			holder.HeadComment = rest
			return match[1]
		}
	}
	return ""
}
