package chart

import (
	"bytes"
	"errors"
	"log"
	"log/slog"
	"sync"
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

//nolint:paralleltest // It looks at the loggers of the process.
func TestLoggers(t *testing.T) {
	t.Run("are as they were afterwards", loggersAreRestored)
	t.Run("hear nothing of a chart", loggersHearNothing)
	t.Run("several charts at once", severalChartsAtOnce)
}

// logged is what the loggers of the process write while a function runs.
func logged(t *testing.T, call func()) string {
	t.Helper()
	var text bytes.Buffer
	plain := log.Default()
	output, flags, prefix, structured := plain.Writer(), plain.Flags(), plain.Prefix(), slog.Default()
	defer func() {
		slog.SetDefault(structured)
		plain.SetOutput(output)
		plain.SetFlags(flags)
		plain.SetPrefix(prefix)
	}()
	plain.SetOutput(&text)
	plain.SetFlags(0)
	plain.SetPrefix("> ")
	call()
	return text.String()
}

func loggersAreRestored(t *testing.T) {
	failed := errors.New("failed")
	text := logged(t, func() {
		before := slog.Default()
		warnings, err := listen(func() error {
			log.Default().Print("Warning: one")
			slog.Warn("two", "a", 1)
			slog.Warn("two", "a", 1)
			slog.Info("not that")
			log.Default().Print("one")
			return failed
		})
		if !errors.Is(err, failed) {
			t.Error(err)
		}
		equal(t, []string{"one", "two, a=1"}, warnings)
		if slog.Default() != before {
			t.Error("the structured logger is another")
		}
		log.Default().Print("after")
	})
	equal(t, "> after\n", text)
}

func loggersHearNothing(t *testing.T) {
	text := logged(t, func() {
		c := read(t, head+"dependencies: [{name: db, condition: db.enabled}]\n-- requirements.yaml --\n-- values.yaml --\ndb: {enabled: 3}\n-- charts/db/Chart.yaml --\napiVersion: v2\nname: db\nversion: 1.0.0\n")
		_ = c.Defaults()
		completed, err := c.Complete(render.Values{})
		check(t, err)
		_, err = completed.Render(engineWith(), release())
		check(t, err)
	})
	equal(t, "", text)
}

func severalChartsAtOnce(t *testing.T) {
	text := logged(t, func() {
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				warnings, _ := listen(func() error { log.Default().Print("one"); return nil })
				equal(t, []string{"one"}, warnings)
			})
		}
		group.Wait()
	})
	equal(t, "", text)
}
