package plugin

import (
	"github.com/spf13/pflag"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
)

// addValuesFlags adds the flags that give values, with Helm's names and syntax.
func addValuesFlags(flags *pflag.FlagSet, sources *pack.ValueSources) {
	flags.StringArrayVarP(&sources.Files, "values", "f", nil,
		"Read values from a YAML file, or from standard input with '-'. Can be repeated; later files win.")
	flags.StringArrayVar(&sources.Set, "set", nil, "Set values, as in key1=val1,key2.sub=val2. Can be repeated.")
	flags.StringArrayVar(&sources.SetString, "set-string", nil, "Set values that are always strings. Can be repeated.")
	flags.StringArrayVar(&sources.SetJSON, "set-json", nil, "Set values given as JSON, as in key={\"a\":1}. Can be repeated.")
	flags.StringArrayVar(&sources.SetFile, "set-file", nil, "Set values to the content of files, as in key=path. Can be repeated.")
}
