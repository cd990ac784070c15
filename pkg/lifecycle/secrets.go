package lifecycle

import (
	"context"
	"encoding/base64"
	"maps"

	corev1 "k8s.io/api/core/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

// encodeStringData turns the stringData of a Secret into data, as the API server does when it stores one. Server-side apply
// neither removes what leaves stringData, which would keep a revoked credential alive, nor notices that somebody else has
// changed it. What is no stringData stays as it is, so that the API server refuses it by name.
func encodeStringData(object manifest.Object) {
	if gvk := object.GroupVersionKind(); gvk.Group != "" || gvk.Kind != "Secret" {
		return
	}
	given, isMap := object.Object["stringData"].(map[string]any)
	data, hasData := object.Object["data"].(map[string]any)
	if !isMap && object.Object["stringData"] != nil || !hasData && object.Object["data"] != nil {
		return
	}
	data = maps.Clone(data)
	if data == nil {
		data = map[string]any{}
	}
	for key, value := range given {
		// Null is an empty text.
		text, isText := value.(string)
		if !isText && value != nil {
			return
		}
		data[key] = base64.StdEncoding.EncodeToString([]byte(text))
	}
	if delete(object.Object, "stringData"); len(data) > 0 {
		object.Object["data"] = data
	}
}

// ownData makes the data of Secrets ours that was applied as stringData, by earlier versions of this program or by Helm: the
// apply that follows would not remove what it does not name.
func (x *execution) ownData(ctx context.Context, objects []manifest.Object) error {
	var refs []corev1.ObjectReference
	for _, object := range objects {
		if ref := object.Reference(); x.live[kinds.KeyOf(ref)].carried.stringData {
			refs = append(refs, ref)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	return x.Cluster.OwnData(ctx, refs)
}
