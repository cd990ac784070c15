package pack

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

func FuzzPackYAML(f *testing.F) {
	f.Add([]byte(minimal))
	f.Add([]byte("apiVersion: sherpack/v1\nmetadata: &a\n  maintainers: [{nam: *a}]\n? [x]\n: 1\n"))
	f.Add([]byte("kind: [\n"))
	f.Add([]byte("metadata: {kubeVersion: '>=1.30 || ~1', <<: {name: b}}\nengine: !!bool yes\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := assemble("p", []File{{Path: MetadataFile, Data: data}})
		onlyKnownErrors(t, err)
		if err != nil {
			return
		}
		if p.Metadata.Name == "" || p.Metadata.Version == "" {
			t.Errorf("accepted without name or version: %+v", p.Metadata)
		}
		if err := p.SupportsKube("v1.36.3"); err != nil && p.Metadata.KubeVersion == "" {
			t.Error(err)
		}
	})
}

func FuzzArchive(f *testing.F) {
	for _, name := range []string{"a/Pack.yaml", "Pack.yaml", "../x", "/x"} {
		f.Add([]byte(name), []byte(minimal))
	}
	f.Fuzz(func(t *testing.T, name, data []byte) {
		for _, archive := range [][]byte{data, zipTo(t, slices.Concat(name, data)), zipTo(t, tarOf(t, string(name), data))} {
			files, err := readArchive(bytes.NewReader(archive))
			if err != nil {
				continue
			}
			for _, file := range files {
				if clean, err := entryName(file.Path); err != nil || clean != file.Path {
					t.Errorf("accepted %q: %v", file.Path, err)
				}
			}
		}
	})
}

func FuzzValues(f *testing.F) {
	f.Add("a: {b: [1, 2.5, null, 1e400]}\nc: &x [*x]\n", "a.b[1]=x,d={1,2}", "properties: {a: {$ref: '#'}}\n")
	f.Add("- a\n", "a=null", "type: object\ndefault: 1\n")
	f.Add("a: 2020-01-01\nyes: no\n", "{", "allOf: [{$ref: '#/$defs/a'}]\n$defs: {a: {properties: {x: {default: {}}}}}\n")
	f.Fuzz(func(t *testing.T, file, set, schema string) {
		p, err := assemble("p", asFiles(map[string]string{
			MetadataFile: minimal, ValuesFile: file, "values.schema.yaml": schema,
		}))
		onlyKnownErrors(t, err)
		given, err := ValueSources{Files: []string{"-"}, Set: []string{set}, SetJSON: []string{set}}.Load(strings.NewReader(file))
		onlyKnownErrors(t, err)
		if p == nil || err != nil {
			return
		}
		merged, err := p.Merge(given)
		onlyKnownErrors(t, err)
		if err == nil {
			noNulls(t, merged)
		}
	})
}

func noNulls(t *testing.T, values map[string]any) {
	t.Helper()
	for key, value := range values {
		if value == nil {
			t.Errorf("%s is null", key)
		}
		if inner, ok := value.(map[string]any); ok {
			noNulls(t, inner)
		}
	}
}

func onlyKnownErrors(t *testing.T, err error) {
	t.Helper()
	var invalid *InvalidError
	var unreadable *FileError
	if err != nil && !errors.As(err, &invalid) && !errors.As(err, &unreadable) {
		t.Errorf("an error of another type: %v", err)
	}
	if invalid != nil && len(invalid.Problems) == 0 {
		t.Error("invalid without a problem")
	}
}
