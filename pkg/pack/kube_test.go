package pack

import (
	"testing"
)

func TestSupportsKube(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		constraint, version string
		ok                  bool
	}{
		{"", "whatever", true},
		{">=1.30", "v1.36.3", true},
		{">=1.30", "1.36.3", true},
		{">=1.36.3", "v1.36.3-gke.1", true},
		{">=1.36.3", "v1.36.3+k3s1", true},
		{">=1.30-0", "v1.36.3-eks-1234", true},
		{">=1.30 <1.33 || >=1.35", "v1.34.0", false},
		{"1.30.x", "v1.31.0", false},
		{">=1.30", "next", false},
	} {
		p := Pack{Metadata: Metadata{Name: "a", KubeVersion: test.constraint}}
		if err := p.SupportsKube(test.version); (err == nil) != test.ok {
			t.Errorf("%q on %q: %v", test.constraint, test.version, err)
		}
	}
}
