package plugin

import (
	"testing"
)

func TestReleaseName(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		argument, want string
		refused        bool
	}{
		"a name":                           {argument: "shop", want: "shop"},
		"as -o name prints it":             {argument: "release.sherpack.io/shop", want: "shop"},
		"as people shorten that":           {argument: "release/shop", want: "shop"},
		"a name that is the kind's":        {argument: "release", want: "release"},
		"of another kind":                  {argument: "deployment/shop", refused: true},
		"of the kind in plural":            {argument: "releases/shop", refused: true},
		"the kind alone":                   {argument: "release/", refused: true},
		"twice the kind":                   {argument: "release/release/shop", refused: true},
		"no kind":                          {argument: "/shop", refused: true},
		"nothing":                          {argument: "", refused: true},
		"a capital":                        {argument: "Shop", refused: true},
		"a path":                           {argument: "./shop", refused: true},
		"a flag that lost its dashes' way": {argument: "-shop", refused: true},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			got, err := releaseName(test.argument)
			if got != test.want || (err != nil) != test.refused {
				t.Errorf("%q is %q, error %v", test.argument, got, err)
			}
			if err != nil && exitCode(t.Context(), err) != exitInput {
				t.Errorf("the exit code is %d", exitCode(t.Context(), err))
			}
		})
	}
}
