package render_test

import (
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
)

func TestHelm(t *testing.T) {
	t.Parallel()
	t.Run("templates in its spelling render as it renders them", helmSpelledTemplatesRenderAsHelmRendersThem)
	t.Run("they render strictly, too", helmSpelledTemplatesRenderStrictlyToo)
}

const helmValues = `
name: web
replicas: 3
ratio: 0.25
enabled: true
empty: ""
zero: 0
image: {repository: shop/web, tag: "1.0"}
labels: {b: two, a: one}
ports: [{name: http, port: 80}, {name: https, port: 443}]
hosts: [b.example.com, a.example.com]
script: |
  first
  second
key: |
  -----BEGIN PRIVATE KEY-----
  abc
  -----END PRIVATE KEY-----
text: 'name is {{ .Values.name }} of {{ include "demo.name" . }}'
`

const helmHelpers = `
{{- define "demo.name" -}}
{{ default .Release.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}
{{ define "demo.labels" -}}
app: {{ include "demo.name" . }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}
{{ define "demo.list" }}{{ range $i, $p := .ports }}{{ if $i }},{{ end }}{{ $p.name }}={{ $p.port }}{{ end }}{{ end }}
`

const other = "other: {{ .Values.name }}\n"

func helmSpelledTemplatesRenderAsHelmRendersThem(t *testing.T) {
	t.Parallel()
	for name, text := range helmTemplates() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, err := byHelm(t, text)
			if err != nil {
				t.Fatalf("helm: %v", err)
			}
			got, err := byUs(t, text, false)
			if err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

// helmTemplates are rendered by Helm's engine and by ours, to the same bytes.
func helmTemplates() map[string]string {
	return map[string]string{
		"the dot":               `{{ .Release.Name }}/{{ .Release.Namespace }} {{ .Release.Revision }} {{ .Release.IsInstall }} {{ .Release.IsUpgrade }}`,
		"capabilities":          `{{ .Capabilities.KubeVersion }} {{ .Capabilities.KubeVersion.Version }} {{ .Capabilities.KubeVersion.Minor }} {{ .Capabilities.KubeVersion.GitVersion }} {{ .Capabilities.APIVersions.Has "apps/v1" }} {{ .Capabilities.APIVersions.Has "x/v1" }} {{ semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version }}`,
		"files":                 "{{ .Files.Get \"conf/a.txt\" }}|{{ (.Files.Glob \"conf/*\").AsConfig | nindent 2 }}|{{ (.Files.Glob \"**.txt\").AsSecrets }}|{{ range .Files.Lines \"conf/a.txt\" }}[{{ . }}]{{ end }}|{{ range $path, $_ := .Files.Glob \"conf/**\" }}{{ $path }} {{ end }}{{ .Files.Get \"none\" }}{{ .Files.GetBytes \"conf/a.txt\" | toString }}",
		"the template itself":   `{{ .Template.Name }} {{ .Template.BasePath }} {{ include (print $.Template.BasePath "/other.yaml") . | sha256sum }}`,
		"values":                `{{ .Values.image.repository }}:{{ .Values.image.tag }} {{ $.Values.replicas }} {{ .Values.ratio }} {{ .Values.enabled }}[{{ .Values.empty }}][{{ .Values.none }}]`,
		"a list of labels":      "metadata:\n  labels:\n    {{- include \"demo.labels\" . | nindent 4 }}\n",
		"template and block":    `{{ template "demo.list" .Values }}{{ block "own" .Values.image }}<{{ .tag }}>{{ end }}`,
		"range and with":        `{{ range $k, $v := .Values.labels }}{{ $k }}={{ $v }};{{ end }}{{ range .Values.none }}x{{ else }}none{{ end }}{{ with .Values.image }}{{ .tag }}{{ $.Release.Name }}{{ end }}{{ range until 3 }}{{ . }}{{ if eq . 1 }}{{ break }}{{ end }}{{ end }}`,
		"variables":             `{{ $x := .Values.name }}{{ if true }}{{ $x = "changed" }}{{ end }}{{ $x }}{{ $n := 0 }}{{ range .Values.ports }}{{ $n = add $n .port }}{{ end }}{{ $n }}`,
		"trimmed":               "a: \n  {{- /* gone */ -}}\n  {{ .Values.name }}  {{- \" x\" -}}  \nb",
		"default":               `{{ .Values.none | default "d" }} {{ default 5 .Values.zero }} {{ .Values.replicas | default 9 }} {{ .Values.empty | default .Values.name | quote }} {{ default "x" (index .Values "none") }}{{ coalesce .Values.none .Values.empty .Values.name }}{{ ternary "yes" "no" .Values.enabled }}`,
		"and or not":            `{{ and .Values.enabled .Values.name }} {{ or .Values.empty .Values.zero "last" }} {{ not .Values.none }} {{ if and .Values.image .Values.image.tag }}tag{{ end }}`,
		"comparisons":           `{{ eq .Values.name "web" "x" }} {{ ne .Values.name "web" }} {{ eq .Values.none nil }} {{ gt (int .Values.replicas) 2 }} {{ le 1 1 }} {{ lt "a" "b" }}`,
		"strings":               `{{ upper .Values.name }} {{ .Values.name | quote }} {{ squote "it" }} {{ printf "%s-%d" .Values.name (int .Values.replicas) }} {{ replace "w" "v" .Values.name }} {{ .Values.script | indent 2 }} {{ trunc 2 "abc" }} {{ "a-b" | camelcase }} {{ cat "a" .Values.name }} {{ repeat 3 "x" }} {{ list "a" "b" | join "," }} {{ b64enc "x" | b64dec }} {{ "x" | sha256sum }} {{ contains "e" "web" }} {{ regexReplaceAll "e+" "weeb" "o" }} {{ hasPrefix "w" .Values.name }} {{ print 1 "a" 2 3 }} {{ html "<" }}`,
		"numbers":               `{{ add 1 2 3 }} {{ mul 2 (int .Values.replicas) }} {{ div 7 2 }} {{ max 1 5 3 }} {{ int "42" }} {{ .Values.ratio | mulf 2 }} {{ seq 3 }} {{ seq 0 2 6 }} {{ untilStep 6 0 -2 }} {{ round 1.234 1 }} {{ len .Values.ports }}`,
		"lists":                 `{{ first .Values.hosts }} {{ last .Values.hosts }} {{ rest (list 1 2 3) }} {{ .Values.hosts | sortAlpha | join " " }} {{ has "x" (list "x") }} {{ append (list 1) 2 }} {{ concat (list 1) (list 2) }} {{ uniq (list 1 1 2) }} {{ without (list 1 2) 1 }} {{ reverse (list 1 2) }} {{ compact (list "" "a" nil) }} {{ index .Values.ports 1 "name" }} {{ slice (list 1 2 3) 1 2 }}`,
		"dictionaries":          `{{ $d := dict "a" 1 "b" "two" }}{{ $_ := set $d "c" (list 1) }}{{ $d.a }} {{ get $d "b" }}{{ get $d "z" }} {{ hasKey $d "c" }} {{ keys $d | sortAlpha }} {{ pick $d "a" | toJson }} {{ omit $d "c" | toJson }} {{ merge (dict "a" 9) $d | toJson }} {{ mergeOverwrite (dict "a" 9) $d | toJson }} {{ dig "x" "y" "none" $d }} {{ pluck "a" $d }} {{ unset $d "a" | toYaml }} {{ deepCopy $d | toJson }}`,
		"encodings":             "{{ toYaml .Values.ports }}|{{ toJson .Values.image }}|{{ toToml .Values.image }}|{{ toYamlPretty (dict \"a\" (list \"x\")) }}|{{ (fromYaml \"a: {b: c}\").a.b }}|{{ fromYamlArray \"[a, b]\" }}|{{ (fromJson \"{\\\"a\\\": \\\"b\\\"}\").a }}|{{ fromJsonArray \"[\\\"x\\\"]\" }}|{{ (fromToml \"a = 'b'\").a }}|{{ toPrettyJson (dict \"a\" \"b\") }}|{{ toRawJson \"<\" }}|{{ mustToYaml .Values.labels }}|{{ (fromYaml \"a: [\").Error | empty }}",
		"kinds of numbers":      `{{ kindIs "float64" .Values.replicas }} {{ typeIs "float64" .Values.replicas }} {{ typeIsLike "float64" .Values.replicas }} {{ typeIs "string" .Values.replicas }} {{ if or (typeIs "int" .Values.replicas) (typeIs "float64" .Values.replicas) }}number: {{ .Values.replicas | int }}{{ end }}`,
		"formats of numbers":    `{{ printf "%.0f|%f|%g|%8.2e|%v|%s-%05.1f" .Values.replicas .Values.replicas .Values.replicas .Values.replicas .Values.replicas .Values.name .Values.replicas }} {{ printf "%d|%3d" (int .Values.replicas) (int64 .Values.replicas) }}`,
		"kinds":                 `{{ kindOf .Values.name }} {{ kindOf .Values.none }} {{ kindIs "map" .Values.image }} {{ typeOf .Values.hosts }} {{ typeIs "string" .Values.name }} {{ empty .Values.none }}{{ empty .Values.name }}`,
		"a PEM block":           "data:\n  key: |\n{{ .Values.key | indent 4 }}",
		"tpl":                   `{{ tpl .Values.text . }} {{ tpl "{{ define \"t\" }}T{{ . }}{{ end }}{{ include \"t\" 1 }}" . }} {{ tpl (toYaml .Values.image) $ }}`,
		"required":              `{{ required "needed" .Values.name }}`,
		"lookup":                `{{ lookup "v1" "Secret" "ns" "x" }}{{ (lookup "v1" "Secret" "ns" "x").data | default "none" }}{{ if not (lookup "v1" "Pod" "" "") }}no{{ end }}`,
		"dates and versions":    `{{ (semver "1.2.3").Major }} {{ semver "1.2.3" }} {{ semverCompare "^1.0" "1.2.3" }} {{ toDate "2006-01-02" "2024-05-06" | date "2006" }} {{ duration 90 }} {{ durationSeconds "2m" }} {{ durationRoundTo "100s" "1m" }} {{ (urlParse "https://a/b").host }}`,
		"an undefined value":    `[{{ .Values.none }}][{{ .Values.none | quote }}][{{ .Values.image.none }}][{{ .Values.none | toYaml }}][{{ $x := .Values.none }}{{ $x }}][{{ printf "%v" .Values.none }}]`,
		"a define in its place": `{{ define "here" }}{{ . }}{{ end }}{{ include "here" "x" }}`,
	}
}

func byHelm(t *testing.T, text string) (string, error) {
	t.Helper()
	values := map[string]any{}
	if err := yaml.Unmarshal([]byte(helmValues), &values); err != nil {
		t.Fatal(err)
	}
	demo := &chart.Chart{
		Metadata: &chart.Metadata{Name: "demo", Version: "1.0.0", APIVersion: "v2"},
		Templates: []*common.File{
			{Name: "templates/_helpers.tpl", Data: []byte(helmHelpers)},
			{Name: "templates/test.yaml", Data: []byte(text)},
			{Name: "templates/other.yaml", Data: []byte(other)},
		},
		Files: []*common.File{{Name: "conf/a.txt", Data: []byte("x\ny\n")}, {Name: "conf/sub/b.txt", Data: []byte("b")}},
	}
	rendered, err := engine.Render(demo, common.Values{
		"Values":  values,
		"Release": map[string]any{"Name": "shop", "Namespace": "prod", "Revision": 3, "IsInstall": false, "IsUpgrade": true, "Service": "Helm"},
		"Capabilities": &common.Capabilities{
			KubeVersion: common.KubeVersion{Version: "v1.36.3", Major: "1", Minor: "36"},
			APIVersions: common.VersionSet{"v1", "apps/v1"},
		},
	})
	return rendered["demo/templates/test.yaml"], err
}

func byUs(t *testing.T, text string, strict bool) (string, error) {
	t.Helper()
	values := map[string]any{}
	if err := yaml.Unmarshal([]byte(helmValues), &values); err != nil {
		t.Fatal(err)
	}
	p := &pack.Pack{
		Metadata: pack.Metadata{Name: "demo", Version: "1.0.0"},
		Spec:     pack.Spec{Engine: pack.Engine{Strict: strict}},
		Templates: []pack.File{
			{Path: "templates/_helpers.tpl", Data: []byte(helmHelpers)},
			{Path: "templates/other.yaml", Data: []byte(other)},
			{Path: "templates/test.yaml", Data: []byte(text)},
		},
		Files: []pack.File{{Path: "conf/a.txt", Data: []byte("x\ny\n")}, {Path: "conf/sub/b.txt", Data: []byte("b")}},
	}
	output, err := testEngine().Render(pack.Alone(p, values), testRelease())
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for _, file := range output.Files {
		if file.Path == "templates/test.yaml" {
			all.Write(file.Text)
		}
	}
	return all.String(), nil
}

func helmSpelledTemplatesRenderStrictlyToo(t *testing.T) {
	t.Parallel()
	undefined := map[string]bool{"an undefined value": true, "values": true, "files": true}
	for name, text := range helmTemplates() {
		got, err := byUs(t, text, true)
		if undefined[name] {
			if err == nil {
				t.Errorf("%s: no error, but %q", name, got)
			}
			continue
		}
		want, _ := byHelm(t, text)
		if err != nil || got != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
