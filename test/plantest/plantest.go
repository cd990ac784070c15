// Package plantest has what the tests of plans and those of running them start from: manifests as text, revisions, and the
// requests that operations on release shop in namespace web are planned from.
package plantest

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

const name, namespace = "shop", "web"

// Object is a document with nothing but an identity.
func Object(apiVersion, kind, name string) string {
	return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: %s}\n---\n", apiVersion, kind, name)
}

// Hook is the document of Job shop-NAME, which is a hook of some phases. more are further annotations, a line of four spaces
// and its end for each.
func Hook(name, phases, more string) string {
	return fmt.Sprintf("apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: shop-%s\n  annotations:\n    sherpack.io/hook: %s\n%s---\n", name, phases, more)
}

// PodHook is the document of Job shop-migrate, which is a hook of some phases and says what it needs unless that is empty. Its
// Pod has a container and more, in YAML's flow style; both may be empty.
func PodHook(phases, needs, container, more string) string {
	if needs != "" {
		needs = ", sherpack.io/hook-needs: '" + needs + "'"
	}
	return fmt.Sprintf("apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: shop-migrate\n  annotations: {sherpack.io/hook: '%s'%s}\n"+
		"spec: {template: {spec: {%s containers: [{name: c%s}]}}}\n---\n", phases, needs, more, container)
}

// Application is a manifest with objects of several waves, a Namespace, and hooks of several phases, in no order.
func Application() string {
	return Hook("notify", "post-install", "") + Object("apps/v1", "Deployment", "web") + Object("v1", "Secret", "db") +
		Hook("migrate", "pre-install,pre-upgrade", "") + Object("v1", "ServiceAccount", "web") + Object("v1", "Namespace", "extra") +
		Hook("test", "test", "") + Object("v1", "ConfigMap", "app")
}

// Nodes are the resources of a manifest that comes from no file.
func Nodes(t testing.TB, text string) []*yaml.RNode {
	t.Helper()
	return decode(t, "", text)
}

func decode(t testing.TB, file, text string) []*yaml.RNode {
	t.Helper()
	nodes, err := manifest.Decode(file, []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return nodes
}

// Scopes are those of the kinds that the tests use. The caller may add others.
func Scopes() plan.Scopes {
	scopes := plan.Scopes{{Group: "", Kind: "Namespace"}: false, {Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}: false}
	for _, kind := range []schema.GroupKind{
		{Group: "batch", Kind: "Job"},
		{Kind: "ConfigMap"},
		{Kind: "Secret"},
		{Kind: "ServiceAccount"},
		{Group: "apps", Kind: "Deployment"},
		{Kind: "Pod"},
		{Kind: "PersistentVolumeClaim"},
		{Group: "example.com", Kind: "Thing"},
	} {
		scopes[kind] = true
	}
	return scopes
}

// Installation is the request to install a manifest that comes from templates/a.yaml as the first revision.
func Installation(t testing.TB, text string, options plan.Options) plan.Request {
	t.Helper()
	return plan.Request{
		Operation: release.OperationInstall, Release: release.New(name, namespace, 1), Nodes: decode(t, "templates/a.yaml", text), Scopes: Scopes(),
		Options: options,
	}
}

// Upgrade is the request to upgrade revision 1, of which nothing is known but an inventory, to a manifest. Three revisions are
// kept.
func Upgrade(t testing.TB, text string, inventory []release.Entry, history release.History) plan.Request {
	t.Helper()
	previous := release.New(name, namespace, 1)
	previous.Inventory = inventory
	return plan.Request{
		Operation: release.OperationUpgrade, Release: release.New(name, namespace, 2), Previous: previous, History: history, Nodes: Nodes(t, text),
		Scopes: Scopes(), Options: plan.Options{HistoryMax: 3},
	}
}

// Removal is the request to uninstall a revision that has a manifest.
func Removal(t testing.TB, text string, r *release.Release, options plan.Options) plan.Request {
	t.Helper()
	return plan.Request{Release: r, Nodes: Nodes(t, text), Scopes: Scopes(), Options: options}
}

// Rollback is the request to go back from the last of some revisions to the first. They have their manifests.
func Rollback(t testing.TB, history ...*release.Release) plan.Request {
	t.Helper()
	target, newest := history[0], history[len(history)-1]
	request := plan.Rollback(target, newest, history, plan.Options{})
	request.Nodes, request.Left, request.Scopes = Nodes(t, target.Content.Manifest), Nodes(t, newest.Content.Manifest), Scopes()
	return request
}

// Revision is a stored revision with a manifest, and with the inventory and the hooks that its installation was planned with.
func Revision(t testing.TB, number int, phase release.Phase, text string) *release.Release {
	t.Helper()
	planned, err := plan.New(plan.Request{
		Operation: release.OperationInstall, Release: release.New(name, namespace, number), Nodes: Nodes(t, text), Scopes: Scopes(),
	})
	if err != nil {
		t.Fatal(err)
	}
	r := planned.Release
	r.ResourceVersion, r.Content.Manifest, r.Status.Phase = "1", text, phase
	return r
}

// Steps writes the steps of a plan down, a line for each: the verb, the phase, and what it is about.
func Steps(steps []plan.Step) []string {
	var lines []string
	for _, step := range steps {
		words := []string{string(step.Action)}
		if step.Phase != "" {
			words = append(words, string(step.Phase))
		}
		for _, object := range step.Objects {
			words = append(words, object.Title())
		}
		for _, h := range step.Hooks {
			words = append(words, h.Title)
		}
		for _, entry := range step.Entries {
			words = append(words, entry.Kind+"/"+entry.Name)
		}
		line := strings.Join(words, " ")
		if step.NoWait {
			line += ", not waiting"
		}
		lines = append(lines, line)
	}
	return lines
}

// Records writes the records of the hooks of a revision down, a line for each: the title, where it comes from, and its state.
func Records(r *release.Release) []string {
	var lines []string
	for _, h := range r.Status.Hooks {
		lines = append(lines, fmt.Sprintf("%s from %d: %s", h.Title, h.FromRevision, h.Summary()))
	}
	return lines
}
