package lifecycle

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

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
