package plan

import (
	"encoding/base64"
	"maps"

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
