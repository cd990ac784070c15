package plugin

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	corev1 "k8s.io/api/core/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/progress"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

const (
	// lookAtMost is how often a release is looked at that changes all the time, and redrawEvery how often a terminal is redrawn.
	lookAtMost  = time.Second
	redrawEvery = time.Second
	// lookAtLeast is how often it is looked at if nothing changes: nothing tells that whoever worked on it has died.
	lookAtLeast = 5 * time.Second
)

// watch shows the newest revision and what changes about it, until no operation on it is under way any more.
func (o *StatusOptions) watch(ctx context.Context, at *connection) error {
	watch := at.cluster.Watch()
	defer watch.Close()
	heads := corev1.SchemeGroupVersion.WithKind("Secret")
	if err := watch.Follow(ctx, heads, at.namespace, storage.HeadSelector(o.Name)); err != nil {
		return err
	}
	view := o.newView()
	for {
		watch.Seen()
		found, err := o.read(ctx, at)
		if err != nil {
			return err
		}
		if !o.Timeline {
			found.Inspect(ctx, at)
			found.follow(ctx, watch)
		}
		isOver := !found.Status.Phase.Pending() || found.Status.Interrupted != ""
		if err := view.Show(found, isOver); err != nil {
			return err
		}
		if isOver {
			o.advise(found)
			return nil
		}
		if err := o.await(ctx, watch, func() error { return view.Show(found, false) }); err != nil {
			return err
		}
	}
}

// await waits until it is time to look at the release again, and redraws meanwhile.
func (*StatusOptions) await(ctx context.Context, watch *kube.Watch, redraw func() error) error {
	soonest, latest, redraws := time.NewTimer(lookAtMost), time.NewTimer(lookAtLeast), time.NewTicker(redrawEvery)
	defer soonest.Stop()
	defer latest.Stop()
	defer redraws.Stop()
	changed, mayLook := false, false
	for !changed || !mayLook {
		select {
		case <-watch.Changed():
			changed = true
		case <-soonest.C:
			mayLook = true
		case <-latest.C:
			return nil
		case <-redraws.C:
			if err := redraw(); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// follow adds the kinds of the objects to a watch that tell more than that they are there.
func (f *statusFound) follow(ctx context.Context, watch *kube.Watch) {
	for _, target := range f.targets {
		if kind := kinds.Of(target.Ref); kube.HasState(kind.GroupKind()) {
			// A kind that is not served any more has no objects.
			_ = watch.Follow(ctx, kind, target.Ref.Namespace, plan.OwnerOf(f.Release).Selector())
		}
	}
}

// statusView shows a revision again and again.
type statusView struct {
	*StatusOptions
	screen *progress.Screen
	// said are the lines that were printed last where there is no terminal, by what they are about.
	said map[string]string
}

func (o *StatusOptions) newView() *statusView {
	return &statusView{StatusOptions: o, screen: answerScreen(o.Out), said: map[string]string{}}
}

// Show shows a revision: on a terminal in the place of what was shown before, else by a line for each change. The last one stays.
func (v *statusView) Show(found *statusFound, isLast bool) error {
	if !v.screen.IsTerminal() {
		return v.tellChanges(found)
	}
	width, height := v.screen.Size()
	var text strings.Builder
	if err := v.print(&text, found, width); err != nil {
		return err
	}
	lines := strings.Split(strings.TrimRight(text.String(), "\n"), "\n")
	if isLast {
		return v.screen.Draw(lines, nil)
	}
	for i, line := range lines {
		lines[i] = ansi.Truncate(line, width, "")
	}
	return v.screen.Draw(nil, lines[:min(len(lines), height)])
}

// tellChanges prints what is new.
func (v *statusView) tellChanges(found *statusFound) error {
	var text strings.Builder
	for _, line := range linesOf(found) {
		if v.said[line.about] != line.text {
			v.said[line.about] = line.text
			text.WriteString(printers.Line(line.about+": "+line.text) + "\n")
		}
	}
	_, err := io.WriteString(v.Out, text.String())
	return err
}

// statusLine is what is known of a part of a revision, in one line.
type statusLine struct{ about, text string }

// linesOf are what is known of a revision, without the times, which would change all the time.
func linesOf(found *statusFound) []statusLine {
	phase := string(found.Status.Phase)
	if found.Status.Phase.Pending() && found.Status.Interrupted != "" {
		phase += " (interrupted)"
	}
	lines := []statusLine{{fmt.Sprintf("revision %d", found.Spec.Revision), words.Join(": ", phase, found.Status.Message)}}
	for _, h := range found.Status.Hooks {
		text := h.Summary()
		if took := h.Elapsed(); took > 0 && h.State != release.HookRunning {
			text += ", took " + words.Duration(took)
		}
		lines = append(lines, statusLine{h.Title, text})
	}
	for i, live := range found.live {
		resource := found.Status.Resources[i]
		lines = append(lines, statusLine{
			resource.Kind + "/" + resource.Name, words.Join(": ", append([]string{live.Condition, live.Message}, slices.Clone(live.Reasons)...)...),
		})
	}
	return lines
}
