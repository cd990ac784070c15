package lint

import (
	"path"
	"slices"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

// problems returns the findings that an error stands for; none for nil.
func problems(err error) []Finding {
	switch err := err.(type) { //nolint:errorlint // This is the walk through the tree.
	case nil:
		return nil
	case *pack.InvalidError:
		return invalid(err)
	case *render.Error:
		bare := *err
		bare.File, bare.Line = "", 0
		return []Finding{{Severity: Error, Rule: RuleTemplate, File: err.File, Line: err.Line, Message: bare.Error()}}
	case *manifest.Error:
		return []Finding{{Severity: Error, Rule: RuleManifest, File: err.File, Line: err.Line, Message: err.Message}}
	case *hook.Error:
		bare := *err
		bare.File = ""
		return []Finding{{Severity: Error, Rule: RuleAnnotation, File: err.File, Line: err.Line, Message: bare.Error()}}
	case *plan.InputError:
		r := resource{object: err.Object}
		found := r.at(Error, RuleObject, err.Message)
		if err.Line > 0 {
			found.Line = err.Line
		}
		return []Finding{found}
	case interface{ Unwrap() []error }:
		var found []Finding
		for _, one := range err.Unwrap() {
			found = append(found, problems(one)...)
		}
		return found
	}
	return []Finding{{Severity: Error, Rule: RulePack, Message: err.Error()}}
}

func invalid(err *pack.InvalidError) []Finding {
	var found []Finding
	for _, problem := range err.Problems {
		finding := Finding{Severity: Error, Rule: ruleOf(problem.File), File: problem.File, Line: problem.Line}
		problem.File = ""
		finding.Message = problem.String()
		found = append(found, finding)
	}
	return found
}

// ruleOf is the rule for what is wrong with a file of a pack. Values may come from anywhere.
func ruleOf(file string) Rule {
	switch name := path.Base(file); {
	case slices.Contains([]string{pack.MetadataFile, pack.LockFile, pack.ChartsFolder}, name):
		return RulePack
	case slices.Contains(pack.SchemaFiles(), name):
		return RuleSchema
	}
	return RuleValues
}

// relative names files by their path in the pack.
func relative(packPath string, findings []Finding) []Finding {
	for i := range findings {
		findings[i].File = strings.TrimPrefix(findings[i].File, strings.TrimRight(packPath, "/")+"/")
	}
	return findings
}
