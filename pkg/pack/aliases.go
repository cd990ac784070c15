package pack

import (
	"fmt"
	"path"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/strictyaml"
)

// checkAliases refuses a file that Helm reads of a chart, if its aliases stand for more than memory holds.
func checkAliases(file File) error {
	name := path.Base(file.Path)
	if name != ChartFile && name != "requirements.yaml" && path.Ext(name) != ".lock" && !strings.HasSuffix(name, ValuesFile) {
		return nil
	}
	if err := strictyaml.CheckAliasesIn(text(file.Data)); err != nil {
		return fmt.Errorf("%s: %w", short(file.Path), err)
	}
	return nil
}
