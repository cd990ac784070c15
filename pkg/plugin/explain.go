package plugin

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/templates"

	"github.com/sherpack-io/kubectl-sherpack/pkg/reference"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// ExplainOptions are what explain needs.
type ExplainOptions struct {
	// Topic is what to explain; "" lists what can be.
	Topic string
	genericiooptions.IOStreams
}

func newExplainCommand(streams genericiooptions.IOStreams) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [TOPIC]",
		Short: "Explain hooks, phases, annotations or values",
		Long:  templates.LongDesc(`Explain hooks, phases, annotations or values. Without TOPIC, list the topics.`),
		Example: templates.Examples(`
			# List the topics
			kubectl sherpack explain

			# Explain the annotations that resources of a pack may have
			kubectl sherpack explain annotations`),
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: topics(),
		RunE: func(_ *cobra.Command, args []string) error {
			options := ExplainOptions{IOStreams: streams}
			if len(args) > 0 {
				options.Topic = args[0]
			}
			return options.Run()
		},
	}
}

func topics() []string {
	var names []string
	for _, topic := range reference.Topics() {
		names = append(names, topic.Name)
	}
	return names
}

// Run prints the page about the topic, or the topics.
func (o *ExplainOptions) Run() error {
	if o.Topic == "" {
		for _, topic := range reference.Topics() {
			if _, err := fmt.Fprintf(o.Out, "%-12s %s\n", topic.Name, topic.Short); err != nil {
				return err
			}
		}
		return nil
	}
	text, err := reference.Page(o.Topic)
	if err != nil {
		return inputError{fmt.Errorf("%w; topics: %s%s", err, words.Join(", ", topics()...), words.Suggestion(o.Topic, topics()))}
	}
	_, err = io.WriteString(o.Out, text)
	return err
}
