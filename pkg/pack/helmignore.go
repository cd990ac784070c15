package pack

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"

	helmignore "helm.sh/helm/v4/pkg/ignore"
)

// helmIgnore is what the .helmignore of a chart says, read by Helm: the one at its top counts, those of subcharts do not.
type helmIgnore struct{ rules *helmignore.Rules }

func parseHelmIgnore(data []byte) (excluder, error) {
	rules, err := helmignore.Parse(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", helmignore.HelmIgnore, err)
	}
	rules.AddDefaults()
	return helmIgnore{rules}, nil
}

func (h helmIgnore) excludes(name string) bool { return h.matches(name, false) }

func (h helmIgnore) matches(name string, isFolder bool) bool {
	return h.rules.Ignore(name, named{name: name, isFolder: isFolder})
}

// named is what Helm's rules ask of a file: its name, and whether it is a folder.
type named struct {
	fs.FileInfo
	name     string
	isFolder bool
}

// Name implements fs.FileInfo.
func (n named) Name() string { return path.Base(n.name) }

// IsDir implements fs.FileInfo.
func (n named) IsDir() bool { return n.isFolder }
