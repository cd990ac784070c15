package helmrelease_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	helmstatus "helm.sh/helm/v4/pkg/release/common"
	releasev1 "helm.sh/helm/v4/pkg/release/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/helmrelease"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/golden"
)

const (
	configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\ndata:\n  text: |\n    ---\n    x\n"
	job       = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: migrate\n  annotations:\n    \"helm.sh/hook\": pre-install, Pre-Upgrade\n    \"helm.sh/hook-weight\": \"-5\"\n    \"helm.sh/hook-delete-policy\": hook-succeeded\n    \"helm.sh/hook-output-log-policy\": hook-failed\n"
	crd       = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: things.example.com\n"
)

// shop is a revision as Helm has it.
func shop() *releasev1.Release {
	return &releasev1.Release{
		Name: "shop", Namespace: "web", Version: 3,
		Info: &releasev1.Info{Status: helmstatus.StatusDeployed, Notes: "Welcome"},
		Chart: &chart.Chart{
			Metadata: &chart.Metadata{APIVersion: "v2", Name: "shop", Version: "1.2.0", AppVersion: "7", Maintainers: []*chart.Maintainer{{Name: "Ann"}}},
			Values:   map[string]any{"replicas": 1.0, "db": map[string]any{"host": "a", "port": 1.0}},
			Files:    []*common.File{{Name: "crds/thing.yaml", Data: []byte(crd)}, {Name: "README.md", Data: []byte("hello")}},
		},
		Config:   map[string]any{"db": map[string]any{"host": "b"}},
		Manifest: "---\n# Source: shop/templates/app.yaml\n" + configMap + "---\n# Source: shop/charts/sub/templates/s.yaml\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\n",
		Hooks:    []*releasev1.Hook{{Name: "migrate", Kind: "Job", Path: "shop/templates/job.yaml", Manifest: job, Events: []releasev1.HookEvent{"pre-install", "pre-upgrade"}}},
	}
}

// stored is a revision as its Secret holds it, compressed or, as very old versions of Helm wrote it, not.
func stored(t *testing.T, of any, compressed bool) release.HelmRecord {
	t.Helper()
	text, err := json.Marshal(of)
	if err != nil {
		t.Fatal(err)
	}
	if compressed {
		var packed bytes.Buffer
		writer := gzip.NewWriter(&packed)
		if _, err := writer.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := writer.Close(); err != nil {
			t.Fatal(err)
		}
		text = packed.Bytes()
	}
	return release.HelmRecord{Namespace: "web", Name: "shop", Revision: 3, Status: "deployed", Data: []byte(base64.StdEncoding.EncodeToString(text))}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for title, compressed := range map[string]bool{"compressed": true, "plain": false} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			found, err := helmrelease.Decode(stored(t, shop(), compressed))
			if err != nil || found.Version != 3 || found.Manifest != shop().Manifest {
				t.Errorf("%+v: %v", found, err)
			}
		})
	}
	for title, data := range map[string]string{
		"no base64": "%", "no JSON": base64.StdEncoding.EncodeToString([]byte("{")), "empty": "",
		"cut short":       base64.StdEncoding.EncodeToString([]byte{0x1f, 0x8b, 0x08, 0}),
		"another release": base64.StdEncoding.EncodeToString([]byte(`{"name":"other","namespace":"web","version":3,"info":{},"chart":{"metadata":{}}}`)),
		"another number":  base64.StdEncoding.EncodeToString([]byte(`{"name":"shop","namespace":"web","version":4,"info":{},"chart":{"metadata":{}}}`)),
		"no chart":        base64.StdEncoding.EncodeToString([]byte(`{"name":"shop","namespace":"web","version":3,"info":{}}`)),
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			record := release.HelmRecord{Namespace: "web", Name: "shop", Revision: 3, Data: []byte(data)}
			if _, err := helmrelease.Decode(record); !errors.Is(err, helmrelease.ErrUnreadable) || !strings.Contains(err.Error(), "web/sh.helm.release.v1.shop.v3") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestFrom(t *testing.T) {
	t.Parallel()
	read, err := helmrelease.From(shop())
	if err != nil {
		t.Fatal(err)
	}
	want := release.Content{
		Values: map[string]any{"db": map[string]any{"host": "b"}},
		Merged: map[string]any{"replicas": 1.0, "db": map[string]any{"host": "b", "port": 1.0}},
		Notes:  "Welcome", Chart: true,
		Pack:     pack.Metadata{Name: "shop", Version: "1.2.0", AppVersion: "7", Maintainers: []pack.Maintainer{{Name: "Ann"}}},
		Manifest: read.Content.Manifest,
	}
	if diff := cmp.Diff(want, read.Content); diff != "" {
		t.Error(diff)
	}
	for _, line := range []string{"# Source: shop/templates/app.yaml\n", "# Source: shop/charts/sub/templates/s.yaml\n", "# Source: shop/templates/job.yaml\n", "helm.sh/hook\": pre-install, Pre-Upgrade\n"} {
		if !strings.Contains(read.Content.Manifest, line) {
			t.Errorf("%q is missing in:\n%s", line, read.Content.Manifest)
		}
	}
	if len(read.Nodes) != 3 || len(read.Definitions) != 1 || strings.Contains(read.Content.Manifest, "CustomResourceDefinition") {
		t.Errorf("%d resources, %d definitions:\n%s", len(read.Nodes), len(read.Definitions), read.Content.Manifest)
	}
}

// What Helm says while it merges values is a warning like any other, and stands in no log.
func TestFromWarnsOfValuesThatDoNotFit(t *testing.T) {
	t.Parallel()
	of := shop()
	of.Config = map[string]any{"replicas": map[string]any{"min": 1.0}}
	read, err := helmrelease.From(of)
	if err != nil || len(read.Warnings) != 1 || !strings.Contains(read.Warnings[0], "shop.replicas") {
		t.Errorf("the warnings are %q: %v", read.Warnings, err)
	}
}

// ours is a revision that was made from a chart, with a definition from crds/ and one from a template.
func ours(t *testing.T) (*release.Release, string) {
	t.Helper()
	r := release.New("shop", "web", 7)
	r.Content = release.Content{Values: map[string]any{"a": "b"}, Merged: map[string]any{"a": "b", "c": 1.0}, Notes: "Welcome", Chart: true, Pack: pack.Metadata{Name: "shop", Version: "1.2.0"}}
	return r, "---\n# Source: shop/crds/thing.yaml\n" + crd + "---\n# Source: shop/templates/crds/other.yaml\n" + strings.Replace(crd, "things", "others", 1) +
		"---\n# Source: shop/templates/app.yaml\n" + configMap + "---\n# Source: shop/templates/job.yaml\n" + strings.Replace(job, ", Pre-Upgrade", ",pre-upgrade", 1)
}

func TestTo(t *testing.T) {
	t.Parallel()
	t.Run("Helm finds its own again", helmFindsItsOwnAgain)
	t.Run("what does not fit into a Secret is refused", tooLargeIsRefused)
}

func helmFindsItsOwnAgain(t *testing.T) {
	t.Parallel()
	r, manifests := ours(t)
	nodes, err := manifest.DecodeStream([]byte(manifests))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	record, err := helmrelease.To(r, nodes, helmrelease.Making{Revision: 4, First: now.AddDate(-1, 0, 0), Now: now, Labels: map[string]string{"team": "a"}})
	if err != nil {
		t.Fatal(err)
	}
	if record.Secret() != "sh.helm.release.v1.shop.v4" || record.Status != "deployed" || record.Aside || record.Labels["team"] != "a" {
		t.Errorf("the record is %+v", record)
	}
	if first, err := helmrelease.FirstDeployed(record); err != nil || !first.Equal(now.AddDate(-1, 0, 0)) {
		t.Errorf("it was deployed first at %s: %v", first, err)
	}
	found, err := helmrelease.Decode(record)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(found.Manifest, "things.example.com") || !strings.Contains(found.Manifest, "others.example.com") || strings.Contains(found.Manifest, "kind: Job") {
		t.Errorf("the manifest is:\n%s", found.Manifest)
	}
	want := []*releasev1.Hook{{
		Name: "migrate", Kind: "Job", Path: "shop/templates/job.yaml", Manifest: found.Hooks[0].Manifest, Weight: -5,
		Events: []releasev1.HookEvent{"pre-install", "pre-upgrade"}, DeletePolicies: []releasev1.HookDeletePolicy{"hook-succeeded"},
		OutputLogPolicies: []releasev1.HookOutputLogPolicy{"hook-failed"},
	}}
	if diff := cmp.Diff(want, found.Hooks); diff != "" || !strings.HasPrefix(found.Hooks[0].Manifest, "apiVersion: batch/v1\nkind: Job\n") {
		t.Errorf("%s\n%s", diff, found.Hooks[0].Manifest)
	}
	if diff := cmp.Diff(map[string]any{"a": "b"}, found.Config); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"a": "b", "c": 1.0}, found.Chart.Values); diff != "" {
		t.Error(diff)
	}
	text, err := json.MarshalIndent(found, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	// The module test/helm has Helm read it.
	golden.Compare(t, "record.json", string(text)+"\n")
	if found.ApplyMethod != "ssa" || found.Info.Notes != "Welcome" || !found.Info.LastDeployed.Equal(now) || found.Chart.Metadata.APIVersion != "v2" {
		t.Errorf("it is %+v, %+v", found, found.Info)
	}
}

func tooLargeIsRefused(t *testing.T) {
	t.Parallel()
	r, _ := ours(t)
	noise := make([]byte, 1<<20)
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(noise)
	r.Content.Notes = base64.StdEncoding.EncodeToString(noise)
	_, err := helmrelease.To(r, nil, helmrelease.Making{Revision: 1})
	var large *helmrelease.TooLargeError
	if !errors.As(err, &large) || large.Size <= release.MaxHelmRecord {
		t.Errorf("the error is %v", err)
	}
}

// What another version of Helm keeps and this one does not know stays.
func TestSupersede(t *testing.T) {
	t.Parallel()
	record := stored(t, map[string]any{"name": "shop", "info": map[string]any{"status": "deployed", "other": 1}, "more": []any{true}}, true)
	record, err := helmrelease.Supersede(record)
	if err != nil || record.Status != "superseded" {
		t.Fatalf("%+v: %v", record, err)
	}
	packed, err := base64.StdEncoding.DecodeString(string(record.Data))
	if err != nil {
		t.Fatal(err)
	}
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]any{}
	if err := json.NewDecoder(reader).Decode(&found); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"name": "shop", "info": map[string]any{"status": "superseded", "other": 1.0}, "more": []any{true}}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
}
