package plugin

import (
	"github.com/sherpack-io/kubectl-sherpack/pkg/lint"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/reads"
	"github.com/sherpack-io/kubectl-sherpack/pkg/source"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// maxUnread is how many values that are not read are told one by one: a file may be made for many packs.
const maxUnread = 10

// CheckRead refuses values that the user gives now and the pack does not read, where they look mistyped or all of them are to be
// refused. The others are kept to warn of. What is merged must be complete. The error is a *pack.InvalidError.
func (i *input) CheckRead() error {
	var refused []pack.Problem
	i.unread = nil
	for _, unread := range i.findUnread() {
		if unread.Mistyped || i.strict {
			refused = append(refused, unread.Problem)
		} else {
			i.unread = append(i.unread, unread)
		}
	}
	if len(refused) > 0 {
		return &pack.InvalidError{Problems: refused}
	}
	return nil
}

func (i *input) findUnread() []reads.Unread {
	if len(i.typed) == 0 {
		return nil
	}
	return reads.Of(i.completed.Scopes()).Unread(i.typed)
}

// WarnOfUnread warns of the values that the pack does not read.
func (i *input) WarnOfUnread(to *warnings) {
	for at, unread := range i.unread {
		if at == maxUnread {
			to.Warn("the pack does not read %s more; to see all of them, use lint", words.Count(len(i.unread)-at, "value"))
			return
		}
		to.Warn("%s", unread.Problem)
	}
}

// lintUnread returns findings about values that the pack does not read. Those that it cannot be rendered with are not looked at.
func lintUnread(opened source.Source, given pack.Given, strict bool) []lint.Finding {
	source := input{source: opened, given: given.Values, typed: given.Layers}
	if source.Merge() != nil {
		return nil
	}
	var findings []lint.Finding
	for _, unread := range source.findUnread() {
		finding := lint.Finding{Severity: lint.Warning, Rule: lint.RuleUnread, File: unread.File, Line: unread.Line}
		if unread.Mistyped || strict {
			finding.Severity = lint.Error
		}
		unread.File = ""
		finding.Message = unread.String()
		findings = append(findings, finding)
	}
	return findings
}
