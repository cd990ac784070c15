package plugin

import (
	"cmp"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sherpack-io/kubectl-sherpack/pkg/progress"
)

// colorFlag says whether there are colours.
const colorFlag = "color"

// styleOf returns how texts on the error stream of a command may look. --color comes before NO_COLOR, that before CLICOLOR_FORCE and
// FORCE_COLOR (https://no-color.org, https://bixense.com/clicolors), and those before whether there is a terminal that has colours.
func styleOf(command *cobra.Command) (progress.Style, error) {
	screen, isScreen := command.ErrOrStderr().(*progress.Screen)
	return styleOn(command, isScreen && screen.IsTerminal())
}

// styleOn is the same for any stream of a command.
func styleOn(command *cobra.Command, isTerminal bool) (progress.Style, error) {
	style := progress.Style{Unicode: hasUnicode()}
	choice := "auto"
	if flag := command.Flag(colorFlag); flag != nil {
		choice = flag.Value.String()
	}
	switch choice {
	case "always":
		style.Colour = true
	case "never":
	case "auto":
		switch {
		case os.Getenv("NO_COLOR") != "":
		case forced("CLICOLOR_FORCE") || forced("FORCE_COLOR"):
			style.Colour = true
		default:
			style.Colour = isTerminal && os.Getenv("TERM") != "dumb"
		}
	default:
		return style, inputError{fmt.Errorf("--color %q: valid words: auto, always, never", choice)}
	}
	return style, nil
}

// forced reports whether an environment variable asks for colours.
func forced(variable string) bool {
	value := os.Getenv(variable)
	return value != "" && value != "0"
}

// hasUnicode reports whether the terminal shows more than ASCII. On Windows terminals have no locale: those that do tell so.
func hasUnicode() bool {
	if runtime.GOOS == "windows" {
		return os.Getenv("WT_SESSION") != "" || os.Getenv("TERM_PROGRAM") != ""
	}
	locale := strings.ToLower(cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_CTYPE"), os.Getenv("LANG")))
	return strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")
}
