package printers_test

import (
	"bytes"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/golden"
)

func planned(apiVersion, kind, name string) manifest.Object {
	object := &unstructured.Unstructured{}
	object.SetAPIVersion(apiVersion)
	object.SetKind(kind)
	object.SetName(name)
	return manifest.Object{Unstructured: object}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	r := release.New("shop", "web", 2)
	r.Status.Hooks = []release.Hook{
		{Title: "post-upgrade/notify", Phase: "post-upgrade", State: release.HookSkipped, Reason: release.ReasonNoHooks},
		{Title: "post-install/other", Phase: "post-install", State: release.HookSkipped, Reason: release.ReasonNoHooks},
	}
	job, web, config := planned("batch/v1", "Job", "shop-migrate"), planned("apps/v1", "Deployment", "web"), planned("v1", "ConfigMap", "conf\x1big")
	made := plan.Plan{Operation: release.OperationUpgrade, Release: r, Steps: []plan.Step{
		{Action: plan.Apply, Objects: []manifest.Object{planned("v1", "Namespace", "apart")}},
		{Action: plan.Apply, Wave: 2, Early: true, Objects: []manifest.Object{planned("v1", "ServiceAccount", "migrator")}},
		{Action: plan.Apply, Wave: 3, Early: true, Objects: []manifest.Object{planned("v1", "Secret", "db")}},
		{Action: plan.RunHooks, Phase: hook.PreUpgrade, Hooks: []plan.Hook{{Phase: hook.PreUpgrade, Object: job, Title: "pre-upgrade/migrate"}}},
		{Action: plan.Apply, Wave: 3, Objects: []manifest.Object{config}},
		{Action: plan.Apply, Wave: 4, Objects: []manifest.Object{web}},
		{Action: plan.Wait, Objects: []manifest.Object{config, web}},
		{Action: plan.Delete, Wave: 3, Entries: []release.Entry{{Version: "v1", Kind: "ConfigMap", Name: "old"}, {Group: "apps", Version: "v1", Kind: "Deployment", Namespace: "kube-system", Name: "coredns"}}},
		{Action: plan.Delete, Wave: 1},
		{Action: plan.Keep, Entries: []release.Entry{{Version: "v1", Kind: "Secret", Name: "kept"}}},
	}}
	for _, object := range []manifest.Object{web, config} {
		object.SetNamespace("web")
	}
	job.SetNamespace("jobs")
	var out bytes.Buffer
	if err := printers.Plan(&out, lifecycle.Preview{Plan: made}); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "plan.txt", out.String())
	if err := printers.Plan(broken{}, lifecycle.Preview{Plan: made}); err == nil {
		t.Error("a broken pipe is no error")
	}
}
