package chart

import (
	"testing"
)

func TestDuplicates(t *testing.T) {
	t.Parallel()
	t.Run("equal ones count once", equalDuplicatesCountOnce)
	t.Run("different ones are left to be refused", differentDuplicatesAreKept)
}

func equalDuplicatesCountOnce(t *testing.T) {
	t.Parallel()
	c := read(t, head+"-- templates/a.yaml --\n# One.\n"+object("ConfigMap", "a")+"data: {x: y}\n-- templates/b.yaml --\n"+
		"kind: ConfigMap\napiVersion: v1\ndata:\n  x: \"y\"\nmetadata: {name: a, annotations: {}}\n-- templates/c.yaml --\n"+object("ConfigMap", "a")[:0]+
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: prod}\ndata: {x: y}\n")
	result := rendered(t, c, "")
	equal(t, []string{"web/templates/a.yaml ConfigMap/a", "web/templates/c.yaml ConfigMap/a"}, objects(result))
	equal(t, []string{"web/templates/b.yaml: ConfigMap/a: duplicate of the one in web/templates/a.yaml; used once"}, result.Warnings)
}

func differentDuplicatesAreKept(t *testing.T) {
	t.Parallel()
	c := read(t, head+"-- templates/a.yaml --\n"+object("ConfigMap", "a")+"data: {x: y}\n---\n"+object("ConfigMap", "a")+"data: {x: z}\n---\n"+object("Secret", "a")+
		"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: other}\n---\napiVersion: v1\nkind: Pod\nmetadata: {generateName: a}\n---\napiVersion: v1\nkind: Pod\nmetadata: {generateName: a}\n")
	result := rendered(t, c, "")
	equal(t, 6, len(result.Nodes))
	equal(t, []string(nil), result.Warnings)
}
