package plugin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
)

// errNotConfirmed is returned where the user does not want what they were asked about.
var errNotConfirmed = errors.New("not confirmed, nothing was changed")

// confirm asks before a plan deletes custom resource definitions, because all objects of their kinds go with them.
func (o *RunOptions) confirm(ctx context.Context, target *target, plan *lifecycle.Plan) error {
	definitions := plan.Definitions()
	if len(definitions) == 0 {
		return nil
	}
	counts, err := target.cluster.CustomResources(ctx, definitions)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(o.ErrOut, "With these custom resource definitions go all objects of their kinds, in all namespaces, whoever made them:")
	for _, definition := range definitions {
		objects := fmt.Sprintf("%d objects", counts[definition.Name])
		if counts[definition.Name] == 1 {
			objects = "1 object"
		}
		_, _ = fmt.Fprintf(o.ErrOut, "  %s: %s\n", definition.Name, objects)
	}
	if o.Yes || o.isDry() {
		return nil
	}
	_, _ = fmt.Fprint(o.ErrOut, "Delete them? (y/N): ")
	answer, err := ask(ctx, o.In)
	_, _ = fmt.Fprintln(o.ErrOut)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, io.EOF) && answer == "":
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
