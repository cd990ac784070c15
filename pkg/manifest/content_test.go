package manifest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// head makes an object of the fields below it.
const head = "apiVersion: v1\nkind: A\nmetadata:\n  name: a\n"

func TestContentOf(t *testing.T) {
	t.Parallel()
	t.Run("what is read of the tree is what is read of the text", theTreeIsReadAsTheText)
	t.Run("what only the text tells is left to it", whatOnlyTheTextTells)
	t.Run("a tree may have more levels than texts may", levelsOfATree)
}

// trees are fields that are read without their text.
func trees() []string {
	var found []string
	for _, plain := range strings.Fields(`1 -1 +1 01 010 08 0x1F 0b11 -0b11 0o17 -0o17 1_000 1__0 1e3 1E5 1e 1. .5 -.5 1.50 0.0 -0 -0.0 1e21 1e-7
		9223372036854775807 9223372036854775808 18446744073709551615 18446744073709551616 -9223372036854775809 100000000000000000000.5
		y Y n N yes Yes yEs no on off ON true TRUE tRue false null Null NULL ~ . .. -a +a .a ._1 0x 0b 0xg 1a 12:30:45 1:20 1,2
		2020-01-01 2020-1-1 = a,b a:b a#b -- +.. ?a -b .a é ☃ 😀`) {
		found = append(found, plain, "["+plain+"]")
	}
	return append(found, "", "{}", "[]", "[[], {}]", "1 2", "\n- 1\n- a: 2\n  b:\n  - c\n- - 3\n",
		`"1"`, `'yes'`, `""`, `''`, `'it''s'`, `"a\tb\u0001\x85 \u2028 \\ \""`, `"a\nb"`, `" a "`, "' a '", "a\tb", "a\n  b\n  c",
		"|\n  a\n   b\n\n  c # no comment\n", "|\n", ">\n  a\n  b\n\n  c\n", "|+\n  a\n\n\n", "|-\n  a\n", "|2\n   a\n  b\n", "|\n  a\n  \tb \n",
		"# above\n  a # beside\n# below\n", "\n  # above\n  a: 1 # beside\n  # below\n\n  # above\n  b: # beside\n  - 1 # beside\n  # below\n", "| # beside\n  a\n",
		`"`+strings.Repeat("a b", 100)+`"`, strings.Repeat("a ", 500)+"b")
}

func theTreeIsReadAsTheText(t *testing.T) {
	t.Parallel()
	for _, tree := range trees() {
		for _, node := range decodeHere(t, head+"x: "+tree+"\n") {
			if _, ok := contentOf(node.YNode()); !ok && survives(tree, true) && !strings.Contains(tree, "x85") {
				t.Errorf("%q: only the text tells", tree)
			}
			compareWithText(t, node)
		}
	}
}

func whatOnlyTheTextTells(t *testing.T) {
	t.Parallel()
	for _, fields := range []string{
		"x: !!str 1", "x: !!binary aGVsbG8=", "x: !a b", "x: !!float 1", "x: !!set {a}", "x: &a b", "x: &a {b: c}", ".inf: a", "x: .nan", "x: -.inf",
		"x: 2020-01-01T00:00:00Z", "x: 2020-01-01 10:00:00", "<<:", "<<: {a: b}", "1: a", "yes: a", "2.5: a", `x: "\x85"`, `x: "\r"`, `x: "\uFEFF"`, "x: [a, # beside\n b]", "x: '" + "a\n\n b'", "? " + strings.Repeat("a", 200) + "\n: b",
	} {
		for _, node := range decodeHere(t, head+fields+"\n") {
			if _, ok := contentOf(node.YNode()); ok {
				t.Errorf("%q is read without its text", fields)
			}
		}
	}
	for name, node := range map[string]yaml.Node{
		"an alias":            {Kind: yaml.AliasNode, Alias: &yaml.Node{Kind: yaml.ScalarNode, Value: "a"}},
		"a number of no kind": {Kind: yaml.ScalarNode, Tag: yaml.NodeTagInt, Value: "a"},
		"a number as text":    {Kind: yaml.ScalarNode, Tag: yaml.NodeTagString, Value: "1"},
	} {
		if _, ok := (reader{scalars: map[string]any{}}).value(&node); ok {
			t.Errorf("%s is read without its text", name)
		}
	}
	mixed := yaml.MustParse(head + "a: 1\nb: 1\n")
	mixed.Field("b").Value.YNode().Tag = yaml.NodeTagString
	if _, ok := contentOf(mixed.YNode()); ok {
		t.Error("a number as text is read as the number before it")
	}
	twice := yaml.MustParse("{a: b, a: c}")
	if _, ok := contentOf(twice.YNode()); ok {
		t.Error("a key that appears twice is read without its text")
	}
}

func levelsOfATree(t *testing.T) {
	t.Parallel()
	for _, node := range decodeHere(t, head+"x: "+strings.Repeat("[", 2*maxDepth)+strings.Repeat("]", 2*maxDepth)+"\n") {
		if _, ok := contentOf(node.YNode()); ok {
			t.Error("is read without its text")
		}
	}
}

func decodeHere(t *testing.T, text string) []*yaml.RNode {
	t.Helper()
	nodes, err := Decode("f", []byte(text), nil)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return nodes
}

// compareWithText compares what is read of a tree with what is read of its text, if it is read at all.
func compareWithText(t *testing.T, node *yaml.RNode) {
	t.Helper()
	read, ok := contentOf(node.YNode())
	if !ok {
		return
	}
	want := Object{Unstructured: &unstructured.Unstructured{}}
	if err := want.readText(node); err != nil {
		t.Fatalf("the text is refused, the tree is not: %v\n%s", err, node.MustString())
	}
	if diff := cmp.Diff(want.Object, read); diff != "" {
		t.Fatalf("%s\n%s", diff, node.MustString())
	}
}

// scalars are values that are written with quotes, or in another way than they have.
func scalars() []string {
	return append(trees(), "- a", "? a", ": a", ":a", "-", "?", ":", "--- a", "...a", "a: b", "a #b", "a:", "#a", "@a", "%a", "`a", " ", "a ", "\n", "a\n", "a\n\n", "a \nb", " a\nb",
		"\ta\nb", "<<", "a\tb", "\u00a0", "\ufffe", "a\rb", "\xff", "\x00", "\u2028a")
}

// around returns a mapping of scalars that have a value, a style and a tag, which no reader may have returned.
func around(value string, style, tag uint8) *yaml.RNode {
	scalar := func() *yaml.Node {
		tags := []string{"", yaml.NodeTagString, yaml.NodeTagInt, yaml.NodeTagBool, yaml.NodeTagFloat, yaml.NodeTagNull}
		styles := []yaml.Style{0, yaml.DoubleQuotedStyle, yaml.SingleQuotedStyle, yaml.LiteralStyle, yaml.FoldedStyle, yaml.TaggedStyle}
		return &yaml.Node{Kind: yaml.ScalarNode, Value: value, Style: styles[int(style)%len(styles)], Tag: tags[int(tag)%len(tags)]}
	}
	list := &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{scalar(), {Kind: yaml.SequenceNode, Content: []*yaml.Node{scalar()}}}}
	root := yaml.MustParse(head)
	root.YNode().Content = append(root.YNode().Content, yaml.NewStringRNode("a").YNode(), scalar(), yaml.NewStringRNode("b").YNode(), list, scalar(), scalar())
	return root
}

func TestScalars(t *testing.T) {
	t.Parallel()
	for _, value := range scalars() {
		for i := range uint8(36) {
			compareWithText(t, around(value, i/6, i%6))
		}
	}
}

func FuzzScalars(f *testing.F) {
	for _, value := range scalars() {
		f.Add(value, uint8(0), uint8(1))
	}
	f.Fuzz(func(t *testing.T, value string, style, tag uint8) {
		compareWithText(t, around(value, style, tag))
	})
}

func FuzzContentOf(f *testing.F) {
	for _, tree := range trees() {
		f.Add("x: " + tree)
	}
	f.Fuzz(func(t *testing.T, fields string) {
		nodes, err := Decode("", []byte(head+fields), nil)
		if err != nil {
			return
		}
		for _, node := range nodes {
			compareWithText(t, node)
		}
	})
}

// definition is a resource as large ones are.
func definition(b *testing.B) *yaml.RNode {
	b.Helper()
	var text strings.Builder
	text.WriteString(head + "spec:\n")
	for i := range 1000 {
		fmt.Fprintf(&text, "  field%d:\n    type: string\n    description: |-\n      What it is,\n      in a few words: that.\n    maxLength: %d\n    nullable: true\n", i, i%10)
	}
	b.SetBytes(int64(text.Len()))
	nodes, err := Decode("f", []byte(text.String()), nil)
	if err != nil {
		b.Fatal(err)
	}
	return nodes[0]
}

func BenchmarkNewObject(b *testing.B) {
	node := definition(b)
	for b.Loop() {
		if _, err := NewObject(node); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	nodes := []*yaml.RNode{definition(b), definition(b)}
	for b.Loop() {
		if _, err := Encode(nodes); err != nil {
			b.Fatal(err)
		}
	}
}
