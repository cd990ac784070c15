package plugin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// refuseAsUsage makes what a command and those below it say of their arguments UsageErrors, which name what is missing.
func refuseAsUsage(root *cobra.Command) {
	visit(root, func(command *cobra.Command) {
		check := command.Args
		if check == nil {
			return
		}
		command.Args = func(cmd *cobra.Command, args []string) error {
			err := countArguments(cmd, args)
			if err == nil {
				err = check(cmd, args)
			}
			if err != nil {
				return &UsageError{cmd.CommandPath(), err}
			}
			return nil
		}
	})
}

// countArguments compares arguments with the usage line of a command, such as "rollback NAME [REVISION]" or "uninstall NAME...".
// What a command with others below it is called with may be a misspelt one of these, which cobra tells.
func countArguments(command *cobra.Command, args []string) error {
	expected := strings.Fields(command.Use)[1:]
	required := slices.DeleteFunc(slices.Clone(expected), func(word string) bool { return strings.HasPrefix(word, "[") })
	name := strings.TrimPrefix(command.CommandPath(), displayName+" ")
	switch {
	case command.HasSubCommands() && (len(expected) == 0 || expected[0] == "SUBCOMMAND"):
		return nil
	case len(args) < len(required):
		return missingArguments(name, required, required[len(args):])
	case len(args) > len(expected) && !strings.Contains(command.Use, "..."):
		what := "no arguments"
		if len(expected) > 0 {
			what = "only " + strings.Join(expected, " ")
		}
		return fmt.Errorf("%s takes %s; unexpected argument %q", name, what, args[len(expected)])
	}
	return nil
}

func missingArguments(name string, required, missing []string) error {
	for i := range required {
		required[i] = strings.TrimSuffix(required[i], "...")
	}
	if len(required) == len(missing) {
		return fmt.Errorf("%s needs %s", name, strings.Join(required, " and "))
	}
	return fmt.Errorf("%s needs %s; %s is missing", name, strings.Join(required, " and "), missing[0])
}
