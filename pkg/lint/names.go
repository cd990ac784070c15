package lint

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

// generatedLength is how many characters are added to a generateName.
const generatedLength = 5

// hashLength is how many characters controllers add to a name, with a dash: the time of a CronJob's Job, and the revision of a
// StatefulSet.
const hashLength = 11

// longest is how many characters the name of an object of a kind may have, and why, where that is not plain.
func longest(kind schema.GroupKind) (characters int, why string) {
	switch kind.String() {
	case "Namespace", "Service":
		return validation.DNS1123LabelMaxLength, ""
	case "Job.batch":
		return validation.LabelValueMaxLength, "it becomes a label of the Pods"
	case "CronJob.batch":
		return validation.DNS1123LabelMaxLength - hashLength, "those of its Jobs are longer by 11"
	case "StatefulSet.apps":
		return validation.LabelValueMaxLength - hashLength, "a label of the Pods is longer by 11"
	}
	return validation.DNS1123SubdomainMaxLength, ""
}

// excess says that the name of an object is too long; "" where it is not.
func excess(object manifest.Object) string {
	length := len(object.GetName())
	if length == 0 {
		length = len(object.GetGenerateName()) + generatedLength
	}
	most, why := longest(object.GroupKind())
	if length <= most {
		return ""
	}
	if why != "" {
		why = ", because " + why
	}
	return fmt.Sprintf("has %d characters; the name of a %s may have %d%s", length, object.GetKind(), most, why)
}

func tooLong(r resource, severity Severity) []Finding {
	if excess := excess(r.object); excess != "" {
		return []Finding{r.at(severity, RuleNameTooLong, "the name "+excess)}
	}
	return nil
}

// addLong adds what is found with the longest name that a release may have, but for what is too long with a short one.
func (r *report) addLong(nodes []*yaml.RNode) {
	for _, long := range read(nodes) {
		excess := excess(long.object)
		if excess == "" || r.isTooLong(long.object) {
			continue
		}
		name := strings.ReplaceAll(long.object.GetName()+long.object.GetGenerateName(), longestName(), "RELEASE")
		finding := long.at(Warning, RuleNameTooLong, "")
		finding.Message = fmt.Sprintf("%s/%s: with the longest name that a release may have (%d characters), the name %s",
			long.object.GetKind(), name, len(longestName()), excess)
		r.add(finding)
	}
}

// isTooLong reports whether an object is known for its name already.
func (r *report) isTooLong(object manifest.Object) bool {
	for _, finding := range r.findings {
		if finding.Rule == RuleNameTooLong && finding.Severity == Error && finding.File == object.File && finding.Line == object.Line {
			return true
		}
	}
	return false
}
