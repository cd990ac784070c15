package lifecycle

import (
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
)

// send applies objects side by side and returns those that cannot be changed in place but may be made anew.
func (x *execution) send(ctx context.Context, objects []manifest.Object) (blocked []manifest.Object, err error) {
	for try := 0; ; try++ {
		more, moved, err := x.sendOnce(ctx, objects, try < tries)
		blocked = append(blocked, more...)
		if err != nil || len(moved) == 0 {
			return blocked, err
		}
		if err := x.surveyAgain(ctx, []plan.Step{{Verb: plan.Apply, Objects: moved}}); err != nil {
			return blocked, err
		}
		objects = moved
	}
}

// tries is how often an object is looked at anew that others delete and make at the same time.
const tries = 3

// sendOnce applies objects side by side. Those that were deleted or replaced since they were looked at are returned as moved,
// if again says that they will be tried again.
func (x *execution) sendOnce(ctx context.Context, objects []manifest.Object, again bool) (blocked, moved []manifest.Object, err error) {
	if err := x.takeOver(ctx, objects); err != nil {
		return nil, nil, err
	}
	if err := x.ownData(ctx, objects); err != nil {
		return nil, nil, err
	}
	bodies := make([]*unstructured.Unstructured, len(objects))
	for i, object := range objects {
		bodies[i] = x.body(object)
	}
	options := kube.ApplyOptions{ForceConflicts: x.plan.Options.ForceConflicts, Claims: plan.MarkFields()}
	refused, later := make([]error, len(objects)), 0
	err = x.Cluster.Apply(ctx, bodies, options, func(i int, applied kube.Applied) {
		switch {
		case x.mayRecreate(objects[i], applied.Err):
			blocked = append(blocked, objects[i])
		case again && isMoved(applied.Err):
			moved = append(moved, objects[i])
		default:
			applied.Err = x.notRecreated(objects[i], applied.Err)
			x.applied(objects[i], applied)
			refused[i] = placed(objects[i], applied.Err)
			return
		}
		later++
	})
	if named := errors.Join(refused...); named != nil {
		return blocked, moved, named
	}
	if later > 0 {
		// What the error joins is about these.
		err = ctx.Err()
	}
	return blocked, moved, err
}

// isMoved reports whether an error says that an object is not the one that was looked at.
func isMoved(err error) bool { return errors.Is(err, kube.ErrGone) || errors.Is(err, kube.ErrReplaced) }
