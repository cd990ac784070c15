package plugin

import (
	"context"
	"fmt"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// run runs a plan within its time, or says what that would do.
func (o *RunOptions) run(ctx context.Context, target *target, planned plan.Plan) (plan.Result, error) {
	target.nameMarked(ctx, planned)
	do := o.carryOut
	if o.isDry() {
		do = o.rehearse
	}
	result, err := do(ctx, target, planned)
	if err != nil {
		err = fmt.Errorf("%s %s: %w", doing(planned), o.Name, err)
	}
	return result, err
}

func (o *RunOptions) carryOut(ctx context.Context, target *target, planned plan.Plan) (plan.Result, error) {
	ctx, cancel := target.whileHeld(ctx)
	defer cancel()
	runner := lifecycle.Runner{Cluster: target.cluster, Store: target.store, Observe: target.told(o.Observe), Now: time.Now}
	result, err := runner.Run(ctx, planned)
	return result, target.orLost(o.Name, err)
}

// doing is what a plan does, as its user calls it: a rollback of what was uninstalled runs as an installation.
func doing(planned plan.Plan) release.Operation {
	if planned.Release.Spec.FromRevision != 0 && planned.Operation == release.OperationInstall {
		return release.OperationRollback
	}
	return planned.Operation
}
