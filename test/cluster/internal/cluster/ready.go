package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	// readyTimeout bounds a start: many times what it takes on a slow machine.
	readyTimeout = 2 * time.Minute
	pollInterval = 50 * time.Millisecond
)

// milestone is something a cluster must reach before it is ready.
type milestone struct {
	what string
	// component is the one to blame when it is not reached.
	component string
	// reached returns nil when it is, else what is missing.
	reached func(ctx context.Context, c client) error
}

// milestones returns them in the order in which they are reached.
func milestones(logs int) []milestone {
	return []milestone{
		{what: "the API server is ready", component: apiServer, reached: apiReady},
		{what: "the default ServiceAccount exists", component: controllerManager, reached: accountExists},
		{what: "the Node is ready", component: kubelet, reached: nodeReady(logs)},
		{what: "a Pod runs", component: scheduler, reached: podRuns},
	}
}

// waitReady waits for one milestone after another. It returns early when
// stopped is closed: the supervisor has ended.
func waitReady(ctx context.Context, c client, all []milestone, progress io.Writer) error {
	start := time.Now()
	for _, m := range all {
		if err := poll(ctx, func(ctx context.Context) error { return m.reached(ctx, c) }); err != nil {
			return unreached{milestone: m, cause: err}
		}
		fmt.Fprintf(progress, "%s (%.1fs)\n", m.what, time.Since(start).Seconds())
	}
	return nil
}

// unreached is the error of a milestone that was not reached.
type unreached struct {
	milestone milestone
	cause     error
}

func (e unreached) Error() string { return fmt.Sprintf("wait until %s: %v", e.milestone.what, e.cause) }
func (e unreached) Unwrap() error { return e.cause }

// poll calls check until it returns nil or ctx ends; then the error tells what
// check last missed, and why there was no more time.
func poll(ctx context.Context, check func(context.Context) error) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	var missed error
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || missed == nil {
			missed = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", missed, context.Cause(ctx))
		case <-ticker.C:
		}
	}
}

func apiReady(ctx context.Context, c client) error {
	return c.do(ctx, "GET", "/readyz", nil, nil)
}

func accountExists(ctx context.Context, c client) error {
	return c.get(ctx, "/api/v1/namespaces/default/serviceaccounts/default", nil)
}

// nodeReady registers the Node, as a kubelet would, and looks whether it may
// take Pods.
func nodeReady(logs int) func(context.Context, client) error {
	return func(ctx context.Context, c client) error {
		var node struct {
			Spec struct {
				Taints []tree `json:"taints"`
			} `json:"spec"`
			Status struct {
				Conditions []struct{ Type, Status string } `json:"conditions"`
			} `json:"status"`
		}
		err := c.get(ctx, "/api/v1/nodes/"+nodeName, &node)
		if status := (statusError{}); errors.As(err, &status) && status.code == 404 {
			err = c.create(ctx, "/api/v1/nodes", nodeObject(logs))
		}
		if err != nil {
			return err
		}
		for _, condition := range node.Status.Conditions {
			if condition.Type == "Ready" && condition.Status == "True" && len(node.Spec.Taints) == 0 {
				return nil
			}
		}
		return fmt.Errorf("node/%s is not ready", nodeName)
	}
}

func nodeObject(logs int) tree {
	return tree{
		"apiVersion": "v1",
		"kind":       "Node",
		"metadata": tree{
			"name":        nodeName,
			"labels":      tree{"kubernetes.io/hostname": nodeName, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"},
			"annotations": tree{"kwok.x-k8s.io/node": "fake", "sim.sherpack.io/log-port": fmt.Sprint(logs)},
		},
	}
}

const (
	probePods = "/api/v1/namespaces/kube-system/pods"
	probePod  = "sherpack-cluster-probe"
)

// podRuns sends a Pod through scheduler and kubelet, and removes it again.
func podRuns(ctx context.Context, c client) error {
	if err := c.create(ctx, probePods, probeObject()); err != nil {
		return err
	}
	var pod struct{ Status struct{ Phase string } }
	if err := c.get(ctx, probePods+"/"+probePod, &pod); err != nil {
		return err
	}
	if pod.Status.Phase != "Succeeded" {
		return fmt.Errorf("pod/%s is %s", probePod, pod.Status.Phase)
	}
	return c.delete(ctx, probePods+"/"+probePod+"?gracePeriodSeconds=0")
}

func probeObject() tree {
	return tree{
		"apiVersion": "v1",
		"kind":       "Pod",
		"metadata":   tree{"name": probePod},
		"spec": tree{
			"restartPolicy":                 "Never",
			"automountServiceAccountToken":  false,
			"terminationGracePeriodSeconds": 0,
			"containers":                    []tree{{"name": "probe", "image": "probe"}},
		},
	}
}
