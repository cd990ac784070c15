package printers

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	rogpeppe "github.com/rogpeppe/go-internal/diff"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	kubectl "k8s.io/kubectl/pkg/cmd/diff"
	"k8s.io/utils/exec"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/diff"
)

// Versions are what the two sides of changes are called.
type Versions struct{ Before, After string }

// Diff prints changes as kubectl diff does: through the program that the environment variable KUBECTL_EXTERNAL_DIFF names, or
// diff. Where there is no such program, they are printed all the same. The values of Secrets are hidden.
func Diff(streams genericiooptions.IOStreams, versions Versions, changes []diff.Change) error {
	texts, err := textsOf(changes)
	if err != nil || len(texts) == 0 {
		return err
	}
	program := exec.New()
	if _, err := program.LookPath("diff"); err != nil && os.Getenv("KUBECTL_EXTERNAL_DIFF") == "" {
		for _, text := range texts {
			if _, err := streams.Out.Write(text.Unified(versions)); err != nil {
				return err
			}
		}
		return nil
	}
	differ, err := kubectl.NewDiffer(versions.Before, versions.After)
	if err != nil {
		return fmt.Errorf("writing what is compared: %w", err)
	}
	defer differ.TearDown()
	for _, text := range texts {
		if err := text.write(differ); err != nil {
			return fmt.Errorf("writing what is compared: %w", err)
		}
	}
	out := &output{Writer: streams.Out}
	streams.Out = out
	err = differ.Run(&kubectl.DiffProgram{Exec: program, IOStreams: streams})
	if out.failed != nil {
		return out.failed
	}
	if ended, ok := err.(exec.ExitError); ok && ended.ExitStatus() == 1 { //nolint:errorlint // Run returns it as it is.
		// That is how it says that there are differences.
		return nil
	}
	return err
}

// output is what a program prints. How the program ends hides that a part of it could not be written.
type output struct {
	io.Writer
	// failed is why a part is missing; nil where none is.
	failed error
}

// Write implements io.Writer.
func (o *output) Write(text []byte) (int, error) {
	written, err := o.Writer.Write(text)
	if o.failed == nil {
		o.failed = err
	}
	return written, err
}

// changeText is a change as it is shown: both versions as YAML, empty for one that there is not.
type changeText struct {
	diff.Change
	name          string
	before, after []byte
}

// textsOf returns the changes that can be shown. Several of one object are numbered.
func textsOf(changes []diff.Change) ([]changeText, error) {
	var texts []changeText
	seen := map[string]int{}
	for _, change := range changes {
		text, err := textOf(change)
		if err != nil {
			return nil, err
		}
		if len(text.before)+len(text.after) == 0 {
			continue
		}
		if seen[text.name]++; seen[text.name] > 1 {
			text.name += fmt.Sprintf(".%d", seen[text.name])
		}
		texts = append(texts, text)
	}
	return texts, nil
}

func textOf(change diff.Change) (text changeText, err error) {
	if text.Change, err = change.Masked(); err != nil {
		return text, err
	}
	if text.before, err = document(text.Before); err != nil {
		return text, err
	}
	text.after, err = document(text.After)
	gvk := change.Ref.GroupVersionKind()
	text.name = fileName(strings.TrimPrefix(strings.Join([]string{gvk.Group, gvk.Version, gvk.Kind, change.Ref.Namespace, change.Ref.Name}, "."), "."))
	return text, err
}

// maxFileName is how many bytes a file name has at most: file systems take 255, and a number may follow.
const maxFileName = 200

var noFileName = regexp.MustCompile(`[^A-Za-z0-9._-]`)

// fileName makes of a name, which may come from a stored record, one that a file can have anywhere: what else it holds is escaped
// as in a URL, and what is too long ends in a hash.
func fileName(name string) string {
	escaped := noFileName.ReplaceAllStringFunc(name, func(other string) string {
		return strings.ReplaceAll(fmt.Sprintf(" % X", other), " ", "%")
	})
	if len(escaped) <= maxFileName {
		return escaped
	}
	hash := fmt.Sprintf("-%x", sha256.Sum256([]byte(name)))[:17]
	return escaped[:maxFileName-len(hash)] + hash
}

// document is an object as YAML that is safe to print; nil for nil.
func document(object *unstructured.Unstructured) ([]byte, error) {
	if object == nil {
		return nil, nil
	}
	text, err := yaml.Marshal(object.Object)
	if err != nil {
		return nil, fmt.Errorf("writing %s/%s as YAML: %w", object.GetKind(), object.GetName(), err)
	}
	escaped, err := EscapeYAML(string(text))
	return []byte(escaped), err
}

// write writes both versions to where the diff program finds them.
func (t changeText) write(differ *kubectl.Differ) error {
	for _, side := range []struct {
		version *kubectl.DiffVersion
		text    []byte
	}{{differ.From, t.before}, {differ.To, t.after}} {
		if len(side.text) == 0 {
			continue
		}
		file, err := side.version.Dir.NewFile(t.name)
		if err != nil {
			return err
		}
		_, err = io.Copy(file, bytes.NewReader(side.text))
		if closed := file.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Unified is the change as diff -u prints it.
func (t changeText) Unified(versions Versions) []byte {
	return rogpeppe.Diff(versions.Before+"/"+t.name, t.before, versions.After+"/"+t.name, t.after)
}

// hunks are the unified diff without its head.
func (t changeText) hunks() string {
	text := string(t.Unified(Versions{}))
	if at := strings.Index(text, "\n@@ "); at >= 0 {
		return text[at+1:]
	}
	return text
}
