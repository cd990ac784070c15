package printers_test

import (
	"bytes"
	"testing"
	"time"

	cliprinters "k8s.io/cli-runtime/pkg/printers"

	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/golden"
)

func TestTable(t *testing.T) {
	t.Parallel()
	unknown := release.New("a-rather-long-name", "other", 1)
	unknown.Status.Phase = release.PendingInstall
	hostile := failed()
	hostile.Name, hostile.Spec.Pack.AppVersion, hostile.Status.Message = "hostile", "1\tb\nc\x1b[2J", "two\tcolumns\nand two lines"
	history := release.History{deployed(), failed(), unknown, hostile}
	for name, options := range map[string]cliprinters.PrintOptions{
		"table": {}, "table-wide": {Wide: true}, "table-all-namespaces": {WithNamespace: true}, "table-without-headers": {NoHeaders: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if err := cliprinters.NewTablePrinter(options).PrintObj(printers.Table(history, noon()), &out); err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, name+".txt", out.String())
		})
	}
}

func TestHistoryTable(t *testing.T) {
	t.Parallel()
	const description = "said by hand\tin \x1b[31mred\x1b[0m\nNAME"
	first, second, restored, running, hostile, bare := deployed(), failed(), deployed(), failed(), failed(), release.New("shop", "web", 8)
	first.Spec.Revision, first.Status.Phase = 1, release.Superseded
	second.Spec.Pack.AppVersion = ""
	second.Spec.FromHelm = 12
	first.Spec.Provenance = &release.Provenance{
		User: "ann", Host: "laptop", Run: "https://ci.example.com/7", Commit: "0123456789abcdef0123456789abcdef01234567", Dirty: true, Digest: "sha256:89ab",
	}
	restored.Spec.Provenance = &release.Provenance{User: "a\tb\n\x1b[2J", Commit: "01"}
	restored.Spec.Revision, restored.Spec.FromRevision, restored.Status.Operation = 4, 1, "rollback"
	running.Spec.Revision, running.Status.Phase, running.Status.Operation, running.Status.Message = 5, release.PendingUpgrade, "upgrade", ""
	running.Status.StartedAt, running.Status.FinishedAt = moment(7*time.Second), nil
	hostile.Spec.Revision, hostile.Spec.Description, hostile.Spec.Pack.AppVersion = 6, description, "1\tb\nc\x1b[2J"
	history := release.History{first, second, restored, running, hostile, bare}
	for name, options := range map[string]cliprinters.PrintOptions{"history": {}, "history-wide": {Wide: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden.Compare(t, name+".txt", printed(t, cliprinters.NewTablePrinter(options), printers.HistoryTable(history, noon())))
		})
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	hostile := release.New("shop", "web", 1)
	hostile.Status.Phase, hostile.Spec.Pack = release.Failed, release.Pack{Name: "a\tb\n\x1b[2J", Version: "1"}
	running := release.New("shop", "web", 1)
	running.Status.Phase, running.Status.StartedAt = release.PendingInstall, moment(7*time.Second)
	for want, r := range map[string]*release.Release{
		"failed, a b \uFFFD[2J-1":       hostile,
		"pending-install 7s ago":        running,
		"deployed 179m ago, shop-1.2.0": deployed(),
	} {
		if got := printers.Summary(r, noon()); got != want {
			t.Errorf("it is %q, want %q", got, want)
		}
	}
}
