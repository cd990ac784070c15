package plugin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
)

// dataFormat is -o where what is printed is no object of Kubernetes; "" is the form for people.
type dataFormat string

// AddFlags adds -o.
func (f *dataFormat) AddFlags(command *cobra.Command) {
	command.Flags().StringVarP((*string)(f), "output", "o", "", "One of 'yaml' or 'json'.")
	completeOutput(command, []string{"json", "yaml"})
}

// Check refuses an unknown form before anything is done.
func (f *dataFormat) Check(command *cobra.Command) error {
	switch *f {
	case "", "json", "yaml":
		return nil
	}
	return &UsageError{command.CommandPath(), fmt.Errorf("--output %q: must be 'yaml' or 'json'", *f)}
}

// ForMachines reports whether a form was asked for that is not for people.
func (f *dataFormat) ForMachines() bool { return *f != "" }

// Print prints a value in the form that was asked for.
func (f *dataFormat) Print(value any, out io.Writer) error {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return err
	}
	text := printers.Escape(encoded.Bytes())
	if *f == "yaml" {
		asYAML, err := yaml.JSONToYAML(text)
		if err != nil {
			return err
		}
		escaped, err := printers.EscapeYAML(string(asYAML))
		if err != nil {
			return err
		}
		text = []byte(escaped)
	}
	_, err := out.Write(text)
	return err
}
