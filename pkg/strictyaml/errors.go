package strictyaml

import "regexp"

// What a YAML reader quotes of a text may be a secret.
var (
	decodedValue = regexp.MustCompile("(?s) `.*?` (into|as a) ")
	unknownAlias = regexp.MustCompile(`unknown anchor '.*?' referenced`)
)

// WithoutValues removes from the error of a YAML reader what that quotes of the text.
func WithoutValues(message string) string {
	message = decodedValue.ReplaceAllString(message, " $1 ")
	return unknownAlias.ReplaceAllString(message, "no such anchor; quote a value that begins with *")
}
