package drift

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/field"
)

// Scaled reports whether a field may be an autoscaler's: it was written through the subresource scale, and not by kubectl.
func (f Field) Scaled() bool {
	return f.By != nil && f.By.Subresource == "scale" && !strings.HasPrefix(f.By.Manager, "kubectl")
}

// WithoutScaled returns the object without what an autoscaler has set, if one of some HorizontalPodAutoscalers of its namespace
// is for it.
func (o Object) WithoutScaled(autoscalers []unstructured.Unstructured) Object {
	if !slices.ContainsFunc(autoscalers, o.isTargetOf) {
		return o
	}
	o.Fields = slices.DeleteFunc(slices.Clone(o.Fields), Field.Scaled)
	return o
}

func (o Object) isTargetOf(autoscaler unstructured.Unstructured) bool {
	target := func(name string) string { return field.Text(&autoscaler, "spec", "scaleTargetRef", name) }
	ref := o.Ref
	ref.APIVersion = target("apiVersion")
	return autoscaler.GetNamespace() == o.Ref.Namespace && target("kind") == o.Ref.Kind && target("name") == o.Ref.Name &&
		kinds.Of(ref).Group == kinds.Of(o.Ref).Group
}
