package kube_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/cmd/wait"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

// states are the statuses of objects on which conditions are compared.
func states() map[string]string {
	return map[string]string{
		"empty":               `{}`,
		"values":              `{phase: Done, count: 3, ratio: 1.5, big: 12345678901, yes: true, padded: " Done ", none: null, text: "3", blank: ""}`,
		"nested":              `{box: {a: 1}, list: [1, 2], single: [{name: x, value: 7}], pairs: [{name: x, value: 1}, {name: y, value: 2}], many: [{name: x, value: 1}, {name: x, value: 2}]}`,
		"ready":               `{conditions: [{type: Ready, status: "True"}, {type: Failed, status: "False"}]}`,
		"lagging":             `{observedGeneration: 0, conditions: [{type: Ready, status: "True"}]}`,
		"caught-up":           `{observedGeneration: 1, conditions: [{type: Ready, status: "True"}]}`,
		"condition-lagging":   `{observedGeneration: 1, conditions: [{type: Ready, status: "True", observedGeneration: 0}]}`,
		"condition-caught-up": `{observedGeneration: 0, conditions: [{type: Ready, status: "True", observedGeneration: 1}]}`,
		"twice":               `{conditions: [{type: Ready, status: "False"}, {type: ready, status: "True"}]}`,
		"malformed":           `{conditions: [nonsense, {type: 3, status: "True"}, {type: Ready, status: 4}, {type: READY, status: "TRUE"}]}`,
		"not-a-list":          `{conditions: {type: Ready, status: "True"}}`,
	}
}

// comparedConditions are read by kubectl wait and by us.
func comparedConditions() []string {
	return []string{
		"condition=Ready", "condition=ready", "condition=Ready=true", "condition=Ready=True", "condition=Ready=False",
		"condition=Failed", "condition=Failed=false", "condition=Missing", "condition=Missing=Unknown", "condition=", "condition=Ready=",
		"condition=Ready=a=b",
		"jsonpath={.status.phase}=Done", "jsonpath=.status.phase=Done", "jsonpath=status.phase=Done", "jsonpath={status.phase}=Done",
		"jsonpath={.status.phase}=done", "jsonpath={.status.phase}", "jsonpath={.status.phase}='Done'", `jsonpath={.status.phase}="Done"`,
		"jsonpath={.status.padded}=Done", "jsonpath={.status.padded}= Done", "jsonpath={.status.blank}", "jsonpath={.status.none}", "jsonpath={.status.none}=<nil>",
		"jsonpath={.status.count}=3", "jsonpath={.status.count}=03", "jsonpath={.status.text}=3", "jsonpath={.status.ratio}=1.5",
		"jsonpath={.status.big}=12345678901", "jsonpath={.status.yes}=true", "jsonpath={.status.yes}=True",
		"jsonpath={.status.box}", "jsonpath={.status.box}=1", "jsonpath={.status.box.a}=1", "jsonpath={.status.list}", "jsonpath={.status.list}=1",
		"jsonpath={.status.list[0]}=1", "jsonpath={.status.list[*]}", "jsonpath={.status.list[*]}=1", "jsonpath={.status.single[*].value}=7",
		"jsonpath={.status.list[7]}=1",
		`jsonpath={.status.pairs[?(@.name=="y")].value}=2`, `jsonpath={.status.many[?(@.name=="x")].value}=1`, `jsonpath={.status.pairs[?(@.name=="z")].value}=1`,
		`jsonpath={.status.conditions[?(@.type=="Ready")].status}=True`, "jsonpath={.status.nothing.at.all}=1", "jsonpath={.metadata.name}=values",
		"jsonpath={.metadata.generation}=1",
		// Refused by both.
		"", "Ready", "conditions=Ready", "Condition=Ready", "jsonpath", "jsonpath=", "jsonpath={}", "jsonpath={.a}=", "jsonpath={.a}=b=c",
		"jsonpath={.a}{.b}=c", "jsonpath={.a", "jsonpath={.a[}=1", "jsonpath={range .a}=1", "create=1", "jsonpath=a{b}c=1",
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	t.Run("they mean what kubectl wait means", conditionsMeanWhatKubectlWaitMeans)
}

func conditionsMeanWhatKubectlWaitMeans(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	definition, kind := widgets(b)
	b.apply(definition)
	path, namespace, cache := clustertest.Kubeconfig(t), b.namespace, t.TempDir()
	flags := genericclioptions.NewConfigFlags(true).WithDiscoveryQPS(-1)
	flags.KubeConfig, flags.Namespace, flags.CacheDir = &path, &namespace, &cache
	for name, state := range states() {
		object := b.object("metadata: {name: " + name + "}\nstatus: " + state)
		object.SetGroupVersionKind(kind)
		b.apply(object)
		live := b.live(object)
		for _, text := range comparedConditions() {
			want := kubectlWait(t, flags, "widgets."+kind.Group+"/"+name, text)
			if got := ourWait(live, text); got != want {
				t.Errorf("%s of %q: we say %s, kubectl wait says %s", text, name, got, want)
			}
		}
	}
}

// kubectlWait tells what kubectl wait says of an object: met, not met, an
// error, or refused.
func kubectlWait(t *testing.T, flags *genericclioptions.ConfigFlags, object, condition string) string {
	t.Helper()
	waits := wait.NewWaitFlags(flags, genericiooptions.IOStreams{In: strings.NewReader(""), Out: io.Discard, ErrOut: io.Discard})
	waits.ForCondition = []string{condition}
	waits.Timeout = time.Duration(0)
	options, err := waits.ToOptions([]string{object})
	if err != nil {
		return "refused"
	}
	err = options.RunWaitContext(t.Context())
	switch {
	case err == nil:
		return "met"
	case strings.HasPrefix(err.Error(), "condition not met"):
		return "not met"
	}
	return "error: " + err.Error()
}

func ourWait(object *unstructured.Unstructured, text string) string {
	conditions, err := health.ParseConditions(text)
	if err != nil {
		return "refused"
	}
	met, err := conditions.Met(object)
	switch {
	case err != nil:
		return "error: " + strings.TrimPrefix(err.Error(), conditions.String()+": ")
	case met:
		return "met"
	}
	return "not met"
}
