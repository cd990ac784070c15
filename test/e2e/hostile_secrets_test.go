//go:build unix

package e2e

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// However a Secret is refused, as a hook or not, what it holds is in nothing that anybody sees but those who ask for it.
func TestWhatSecretsHoldIsNotShown(t *testing.T) {
	t.Parallel()
	const sentinel = "hunter2:{x}*"
	encoded := base64.StdEncoding.EncodeToString([]byte(sentinel))
	for title, test := range map[string]struct {
		// body is the Secret below its metadata, and set what is given on the command line.
		body, set string
		code      int
	}{
		"a wrong type":             {"stringData: {a: {b: {{ .Values.password | quote }}}}\n", "password=" + sentinel, 2},
		"a list":                   {"stringData: {a: [{{ .Values.password | quote }}]}\n", "password=" + sentinel, 2},
		"a number":                 {"stringData: {a: {{ .Values.password }}}\n", "password=20002000", 2},
		"no base64":                {"data: {a: {{ .Values.password | quote }}}\n", "password=" + sentinel, 5},
		"no configuration":         {"type: kubernetes.io/dockerconfigjson\ndata: {.dockerconfigjson: {{ .Values.password | b64enc }}}\n", "password=" + sentinel, 5},
		"no certificate":           {"type: kubernetes.io/tls\nstringData: {tls.crt: {{ .Values.password | quote }}}\n", "password=" + sentinel, 5},
		"a key that is not valid":  {"stringData: {\"a b\": {{ .Values.password | quote }}}\n", "password=" + sentinel, 5},
		"an unknown field":         {"stringdata: {a: {{ .Values.password | quote }}}\n", "password=" + sentinel, 2},
		"an alias":                 {"stringData: {a: {{ .Values.password }}}\n", "password=*hunter2", 3},
		"a tag":                    {"stringData: {a: !!int {{ .Values.password }}}\n", "password=hunter2", 3},
		"no YAML":                  {"stringData: {a: {{ .Values.password }}\n", "password=" + sentinel, 3},
		"a comma":                  {"stringData: {a: {{ .Values.password }}}\n", "password=a,hunter2", 2},
		"a function that stumbles": {"stringData: {a: {{ mustToDuration .Values.password }}}\n", "password=" + sentinel, 3},
		"a date":                   {"stringData: {a: {{ mustToDate \"2006\" .Values.password }}}\n", "password=" + sentinel, 3},
		"a version":                {"stringData: {a: {{ semver .Values.password }}}\n", "password=" + sentinel, 3},
		"a regular expression":     {"stringData: {a: {{ mustRegexMatch .Values.password \"a\" }}}\n", "password=(hunter2", 3},
		"an address":               {"stringData: {a: {{ urlParse .Values.password }}}\n", "password=:hunter2\x7f", 3},
		"JSON":                     {"stringData: {a: {{ mustFromJson .Values.password }}}\n", "password=hunter2", 3},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			session := newSession(t)
			for _, annotations := range []string{"", ", annotations: {sherpack.io/hook: pre-install}"} {
				folder := t.TempDir()
				write(t, folder+"/Pack.yaml", plainPack)
				write(t, folder+"/templates/secret.yaml", fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: hostile%s}\n%s", annotations, test.body))
				var said strings.Builder
				for _, events := range []string{"text", "json"} {
					got := session.bounded(t, "install", "hostile", folder, "--set", test.set, "--events", events)
					if got.code != test.code {
						t.Errorf("exit code %d, want %d: %s", got.code, test.code, got.stderr)
					}
					said.WriteString(got.stdout + got.stderr)
				}
				said.WriteString(session.recordOf(t, "hostile"))
				for _, secret := range []string{"hunter2", "20002000", encoded} {
					if at := strings.Index(said.String(), secret); at >= 0 {
						t.Errorf("it says %q", said.String()[max(0, at-200):at+len(secret)])
					}
				}
			}
		})
	}
}

// recordOf returns all that commands tell of a release, which is uninstalled then. Of one that was refused before there was a
// record, only status is asked.
func (s *session) recordOf(t *testing.T, name string) string {
	t.Helper()
	status := s.bounded(t, "status", name)
	said := &strings.Builder{}
	said.WriteString(status.stdout + status.stderr)
	if status.code != 0 {
		return said.String()
	}
	for _, command := range [][]string{{"status", name, "-o", "json"}, {"history", name}, {"list", "-o", "yaml"}} {
		got := s.bounded(t, command...)
		said.WriteString(got.stdout + got.stderr)
	}
	s.bounded(t, "uninstall", name)
	return said.String()
}

// The values that cannot be changed are not shown when somebody tries to.
func TestAChangedImmutableSecretIsNotShown(t *testing.T) {
	t.Parallel()
	session, folder := newSession(t), t.TempDir()
	write(t, folder+"/Pack.yaml", plainPack)
	write(t, folder+"/templates/secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: hostile}\nimmutable: true\nstringData: {a: {{ .Values.password }}}\n")
	session.run(t, "install", "hostile", folder, "--set", "password=hunter2")
	got := session.bounded(t, "upgrade", "hostile", folder, "--set", "password=hunter3", "--events", "json")
	status := session.bounded(t, "status", "hostile", "-o", "json")
	said := got.stdout + got.stderr + status.stdout
	encoded := slices.Collect(maps.Keys(map[string]bool{
		base64.StdEncoding.EncodeToString([]byte("hunter2")): true, base64.StdEncoding.EncodeToString([]byte("hunter3")): true,
	}))
	for _, secret := range append(encoded, "hunter2", "hunter3") {
		if strings.Contains(said, secret) {
			t.Errorf("it says %s", said)
		}
	}
	if got.code != 5 {
		t.Errorf("exit code %d: %s", got.code, got.stderr)
	}
}
