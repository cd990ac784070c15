package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
)

// dryRunFlag is kubectl's.
const dryRunFlag = "dry-run"

// isDry reports whether nothing is to be changed.
func (o *RunOptions) isDry() bool { return o.DryRun != cmdutil.DryRunNone }

// rehearse prints what running a plan would do. With the server's help the error is what it would be refused for.
func (o *RunOptions) rehearse(ctx context.Context, target *target, plan *lifecycle.Plan) error {
	preview, refused := lifecycle.Preview{Plan: plan}, error(nil)
	if o.DryRun == cmdutil.DryRunServer {
		runner := lifecycle.Runner{Cluster: target.cluster, Observe: o.Observe, Now: time.Now}
		preview, refused = runner.Preview(ctx, plan, target.coming...)
	}
	if o.Output.machine() {
		return refused
	}
	return errors.Join(refused, printers.Plan(o.Out, preview))
}

// planDry plans without a lock. A release that another command works on, or did when it was killed, may look otherwise when
// that is over.
func (o *RunOptions) planDry(ctx context.Context, target *target, plan func(context.Context) (*lifecycle.Plan, error)) (*lifecycle.Plan, error) {
	planned, err := plan(ctx)
	if o.isPending(ctx, target) {
		_, _ = fmt.Fprintf(o.ErrOut, "warning: another command works on release %s, or was killed while it did; this is what would be done now\n", o.Name)
	}
	return planned, err
}
