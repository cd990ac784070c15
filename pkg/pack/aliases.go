package pack

import (
	"fmt"
	"path"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/strictyaml"
)

// checkAliases refuses files of a chart whose aliases stand for more than memory holds. Helm reads them.
func checkAliases(files []File) error {
	for _, file := range files {
		name := path.Base(file.Path)
		if name != ChartFile && name != "requirements.yaml" && path.Ext(name) != ".lock" && !strings.HasSuffix(name, ValuesFile) {
			continue
		}
		if err := strictyaml.CheckAliasesIn(text(file.Data)); err != nil {
			return fmt.Errorf("%s: %w", short(file.Path), err)
		}
	}
	return nil
}
