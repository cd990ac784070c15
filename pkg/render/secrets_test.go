package render_test

import (
	"strings"
	"testing"
)

func TestWhatCannotBeIteratedOverIsNotInErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{{ $x := print "hunter" 2 }}{{ range $x }}{{ end }}`:        "range can't iterate over this value",
		`{{ $x := print "hunter" 2 "\n" }}{{ range $x }}{{ end }}`:   "range can't iterate over this value",
		`{{ $x := add 1234 4321 }}{{ range $k, $v := $x }}{{ end }}`: "can't use this value to iterate over more than one variable",
	} {
		_, err := one(text, true)
		if err == nil || !strings.HasSuffix(err.Error(), ": "+want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error is %v", text, err)
		}
	}
}

// What a function is given may be a secret, and is not in its error. The expression tells where it comes from.
func TestArgumentsAreNotInErrors(t *testing.T) {
	t.Parallel()
	for call, want := range map[string]string{
		`mustToDate "2006" (print "hunter" 2)`:       `mustToDate: parsing time "…" as "…": cannot parse "…" as "…"`,
		`mustRegexMatch (print "(hunter" 2) "a"`:     "mustRegexMatch: error parsing regexp: missing closing ): `…`",
		`regexMatch (print "(hunter" 2) "a"`:         "",
		`urlParse (print ":hunter" 2)`:               `urlParse: unable to parse url: parse "…": missing protocol scheme`,
		`urlParse (print ":hunter" 2 "\n")`:          "urlParse: unable to parse url: parse \"…\": net/url: invalid control character in URL",
		`mustToDuration (print "hunter" 2)`:          "the text is no duration such as 90s",
		`semver (print "hunter" 2)`:                  "semver: invalid semantic version",
		`decryptAES (print "hunter" 2) "aHVudGVyMg"`: "decryptAES:",
	} {
		_, err := one("{{ "+call+" }}", true)
		if err == nil {
			if want != "" {
				t.Errorf("%s: no error", call)
			}
			continue
		}
		if got := err.Error(); !strings.Contains(got, want) || strings.Contains(got, "hunter2") && !strings.Contains(want, "hunter2") {
			t.Errorf("%s: the error is %s", call, got)
		}
	}
}
