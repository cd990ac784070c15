package lint

import (
	"fmt"

	"github.com/sherpack-io/kubectl-sherpack/pkg/dependency"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/source"
)

// dependencies returns what is wrong with what a pack has of its dependencies. Those of a chart are Helm's business.
func dependencies(s source.Source) []Finding {
	if s.IsChart() {
		return nil
	}
	p := s.Pack()
	report, err := dependency.Inspect(s)
	if err != nil {
		return problems(err)
	}
	var found []Finding
	remedy := "; run kubectl sherpack dependency update " + p.Path
	if report.Stale {
		message := pack.LockFile + " is missing or was written for other dependencies" + remedy
		found = append(found, Finding{Severity: Warning, Rule: RuleDependency, File: pack.MetadataFile, Message: message})
	}
	for _, entry := range report.Entries {
		if entry.Status == dependency.Changed {
			message := fmt.Sprintf("%s %s in %s/ is not what %s says%s", entry.Name, entry.Found, pack.PacksFolder, pack.LockFile, remedy)
			found = append(found, Finding{Severity: Error, Rule: RuleDependency, File: pack.LockFile, Message: message})
		}
	}
	for _, unlisted := range report.Unlisted {
		message := "is rendered with the pack and is not among its dependencies in " + pack.MetadataFile
		found = append(found, Finding{Severity: Warning, Rule: RuleDependency, File: unlisted, Message: message})
	}
	return found
}

// missingDependencies are those that a pack or chart lists and does not have.
func missingDependencies(s source.Source) []Finding {
	found := problems(s.CheckDependencies())
	for i := range found {
		found[i].Rule = RuleDependency
	}
	return found
}
