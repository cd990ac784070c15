package plugin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubectl/pkg/util/term"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// errNotConfirmed is returned where the user does not want what they were asked about.
var errNotConfirmed = errors.New("not confirmed, nothing was changed")

// Confirm names what the user of a plan may not expect, and asks about it, once: custom resource definitions that it deletes,
// because all objects of their kinds go with them, and hooks that the user has not chosen and that run outside of the
// release's namespace. Scripts are not asked about hooks. Whoever wants to be asked is asked in any case.
func (s *session) Confirm(ctx context.Context, proposed *proposal) error {
	definitions := proposed.Definitions()
	if err := s.nameDefinitions(ctx, definitions); err != nil {
		return err
	}
	for _, h := range proposed.outside {
		_, _ = fmt.Fprintln(s.ErrOut, hookOutside(h))
	}
	question := ""
	switch hooks := len(proposed.outside) > 0 && isTerminal(s.In); {
	case s.Review.Yes || s.isDry():
	case s.Review.Confirm:
		question = "Proceed?"
	case len(definitions) > 0 && hooks:
		question = "Delete these definitions and run these hooks?"
	case len(definitions) > 0:
		question = "Delete them?"
	case hooks:
		question = "Run them?"
	}
	if question == "" {
		return nil
	}
	return s.askYes(ctx, question)
}

// nameDefinitions says what goes with custom resource definitions that are deleted.
func (s *session) nameDefinitions(ctx context.Context, definitions []corev1.ObjectReference) error {
	if len(definitions) == 0 {
		return nil
	}
	counts, err := s.cluster.CustomResources(ctx, definitions)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(s.ErrOut, "With these custom resource definitions go all objects of their kinds, in all namespaces, whoever made them:")
	for _, definition := range definitions {
		_, _ = fmt.Fprintf(s.ErrOut, "  %s: %s\n", definition.Name, words.Count(counts[definition.Name], "object"))
	}
	return nil
}

// hookOutside names a hook that runs outside of the release's namespace.
func hookOutside(h plan.Hook) string {
	where := "in namespace " + h.Object.GetNamespace()
	if h.Object.GetNamespace() == "" {
		where = "cluster-wide"
	}
	return fmt.Sprintf("hook %s runs %s: %s/%s", h.Title, where, h.Object.GetKind(), h.Object.GetName())
}

// isTerminal reports whether there is somebody to ask.
func isTerminal(in io.Reader) bool { return term.TTY{In: in}.IsTerminalIn() }

// askYes asks a question that is to be answered with yes.
func (s *session) askYes(ctx context.Context, question string) error {
	_, _ = fmt.Fprint(s.ErrOut, question+" (y/N): ")
	answer, err := ask(ctx, s.In)
	_, _ = fmt.Fprintln(s.ErrOut)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, io.EOF) && answer == "" && !isTerminal(s.In):
		return inputError{errors.New("there is nobody to ask whether custom resource definitions may be deleted; to say so beforehand, use --yes")}
	case answer != "y" && answer != "yes":
		return errNotConfirmed
	}
	return nil
}

// ask reads one line, in lower case and without spaces around it. It does not wait any longer than ctx.
func ask(ctx context.Context, in io.Reader) (string, error) {
	type reply struct {
		text string
		err  error
	}
	replies := make(chan reply, 1)
	go func() {
		text, err := bufio.NewReader(in).ReadString('\n')
		replies <- reply{strings.ToLower(strings.TrimSpace(text)), err}
	}()
	select {
	case found := <-replies:
		return found.text, found.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
