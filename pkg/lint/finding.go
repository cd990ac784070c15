package lint

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

// Severity says whether a pack may be used as it is.
type Severity string

// The severities. A pack with an error cannot be installed, or not always; a warning may be what its author wants.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Rule is what a finding is about.
type Rule string

// The rules, in the order in which the documentation lists them.
const (
	// RulePack is about Pack.yaml and the files of a pack.
	RulePack Rule = "pack"
	// RuleDependency is about what the pack has of its dependencies.
	RuleDependency Rule = "dependency"
	// RuleKubeVersion is about a pack that does not support the version of Kubernetes it is linted for.
	RuleKubeVersion Rule = "kube-version"
	// RuleSchema is about the schema itself, and RuleValues about values that do not match it.
	RuleSchema Rule = "schema"
	RuleValues Rule = "values"
	// RuleUnread is about values that are given and that the pack does not read.
	RuleUnread Rule = "unread-value"
	// RuleTemplate is about a template that cannot be rendered.
	RuleTemplate Rule = "template"
	// RuleStrict is about a value that is undefined where it is printed, in a pack that does not mind.
	RuleStrict Rule = "strict"
	// RuleChart is about what Helm ignores in a chart.
	RuleChart Rule = "chart"
	// RuleManifest is about what is rendered and is no Kubernetes object.
	RuleManifest Rule = "manifest"
	// RuleObject is about objects that sherpack refuses, such as duplicates.
	RuleObject Rule = "object"
	// RuleAnnotation is about the annotations that sherpack reads.
	RuleAnnotation Rule = "annotation"
	// RuleHookNeverEnds is about a hook that is waited for in vain.
	RuleHookNeverEnds Rule = "hook-never-ends"
	// RuleNameTooLong is about names longer than the API allows for the kind.
	RuleNameTooLong Rule = "name-too-long"
	// RuleMissingReference is about references to objects that the pack does not have.
	RuleMissingReference Rule = "missing-reference"
	// RuleNotServed is about kinds and versions that the cluster does not serve, and RuleDeprecated about those that it will not
	// serve one day.
	RuleNotServed  Rule = "api-not-served"
	RuleDeprecated Rule = "api-deprecated"
)

// Rules returns all rules.
func Rules() []Rule {
	return []Rule{
		RulePack, RuleDependency, RuleKubeVersion, RuleSchema, RuleValues, RuleUnread, RuleTemplate, RuleStrict, RuleChart, RuleManifest, RuleObject, RuleAnnotation,
		RuleHookNeverEnds, RuleNameTooLong, RuleMissingReference, RuleNotServed, RuleDeprecated,
	}
}

// Finding is one thing that was found in a pack.
type Finding struct {
	Severity Severity `json:"severity"`
	Rule     Rule     `json:"rule"`
	// File is the path inside of the pack, "" where it is not known.
	File string `json:"file,omitempty"`
	// Line counts from 1, 0 where it is not known.
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
	// Values is the first file of values that it is found with, as in ci/large-values.yaml; "" where it is found with all.
	Values string `json:"values,omitempty"`
}

// String returns "file:line: severity: message (rule)", with the file of values where there is one.
func (f Finding) String() string {
	with := ""
	if f.Values != "" {
		with = ", with " + f.Values
	}
	return fmt.Sprintf("%s%s: %s (%s%s)", manifest.Position(f.File, f.Line), f.Severity, f.Message, f.Rule, with)
}

// Count returns how many findings there are of a severity.
func Count(findings []Finding, severity Severity) int {
	number := 0
	for _, finding := range findings {
		if finding.Severity == severity {
			number++
		}
	}
	return number
}

// report gathers findings, each once.
type report struct {
	findings []Finding
	// with are the files of values that a finding was found with, each once.
	with map[Finding][]string
	// values is the one that the pack is rendered with, and sets is how many there are in all.
	values string
	sets   int
}

func newReport() *report { return &report{with: map[Finding][]string{}} }

func (r *report) add(findings ...Finding) {
	for _, finding := range findings {
		if r.with[finding] == nil {
			r.findings = append(r.findings, finding)
		}
		if !slices.Contains(r.with[finding], r.values) {
			r.with[finding] = append(r.with[finding], r.values)
		}
	}
}

// addWarnings adds what a chart is warned of.
func (r *report) addWarnings(warnings []string) {
	for _, warning := range warnings {
		r.add(Finding{Severity: Warning, Rule: RuleChart, Message: warning})
	}
}

// sorted returns the findings by file and line. Those that do not come with all values name the first that they come with.
func (r *report) sorted() []Finding {
	for i, finding := range r.findings {
		if with := r.with[finding]; len(with) < r.sets && with[0] != finding.File {
			r.findings[i].Values = with[0]
		}
	}
	slices.SortStableFunc(r.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return r.findings
}
