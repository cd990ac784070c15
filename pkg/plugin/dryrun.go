package plugin

import (
	"context"
	"errors"
	"time"

	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
)

// isDry reports whether nothing is to be changed.
func (o *RunOptions) isDry() bool { return o.DryRun != cmdutil.DryRunNone }

// rehearse prints what running a plan would do. With the server's help the error is what it would be refused for.
func (o *RunOptions) rehearse(ctx context.Context, target *target, planned plan.Plan) (plan.Result, error) {
	ctx, cancel := lifecycle.WithTimeout(ctx, o.Plan.Timeout)
	defer cancel()
	unrun := plan.Result{Release: planned.Release}
	preview, refused := lifecycle.Preview{Plan: planned}, error(nil)
	if o.DryRun == cmdutil.DryRunServer {
		runner := lifecycle.Runner{Cluster: target.cluster, Observe: o.Observe, Now: time.Now}
		preview, refused = runner.Preview(ctx, planned, target.coming...)
	}
	if o.Output.ForMachines() {
		return unrun, refused
	}
	return unrun, errors.Join(refused, printers.Plan(o.Out, preview))
}
