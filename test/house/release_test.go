package house

import (
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/Masterminds/semver/v3"
	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

const (
	binary    = "kubectl-sherpack"
	downloads = "https://" + module + "/releases/download/"
)

// targets are the platforms a release is made for, in the order goreleaser lists them in krew's manifest.
func targets() []platform {
	return []platform{
		{"windows", "arm64"},
		{"windows", "amd64"},
		{"linux", "arm64"},
		{"linux", "amd64"},
		{"darwin", "arm64"},
		{"darwin", "amd64"},
	}
}

type platform struct{ os, arch string }

// archive is the name of the file a release offers for the platform.
func (p platform) archive() string {
	if p.os == "windows" {
		return fmt.Sprintf("%s_%s_%s.zip", binary, p.os, p.arch)
	}
	return fmt.Sprintf("%s_%s_%s.tar.gz", binary, p.os, p.arch)
}

// executable is the name of the program inside the archive.
func (p platform) executable() string {
	if p.os == "windows" {
		return binary + ".exe"
	}
	return binary
}

// krewPlugin is what krew knows of a plugin; a field it does not know is a mistake.
type krewPlugin struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		Version          string         `json:"version"`
		ShortDescription string         `json:"shortDescription"`
		Description      string         `json:"description"`
		Homepage         string         `json:"homepage"`
		Platforms        []krewPlatform `json:"platforms"`
	} `json:"spec"`
}

type krewPlatform struct {
	Bin      string `json:"bin"`
	URI      string `json:"uri"`
	SHA256   string `json:"sha256"`
	Selector struct {
		MatchLabels map[string]string `json:"matchLabels"`
	} `json:"selector"`
}

func TestKrewManifestIsAPlugin(t *testing.T) {
	t.Parallel()
	plugin := krew(t)
	if plugin.APIVersion != "krew.googlecontainertools.github.com/v1alpha2" || plugin.Kind != "Plugin" {
		t.Errorf("the manifest is a %s %s", plugin.APIVersion, plugin.Kind)
	}
	if plugin.Metadata.Name != "sherpack" {
		t.Errorf("kubectl would call it by the name of %q", plugin.Metadata.Name)
	}
	if !regexp.MustCompile(`^v\d`).MatchString(plugin.Spec.Version) {
		t.Errorf("version %q does not start with v", plugin.Spec.Version)
	}
	if _, err := semver.NewVersion(plugin.Spec.Version); err != nil {
		t.Errorf("version %q: %v", plugin.Spec.Version, err)
	}
	if length := len(plugin.Spec.ShortDescription); length == 0 || length > 50 {
		t.Errorf("the short description has %d characters, not 1 to 50", length)
	}
}

// Whoever follows docs/install.md finds what it names in the release that the manifest is for.
func TestInstallNamesFilesOfTheRelease(t *testing.T) {
	t.Parallel()
	offered := []string{"checksums.txt"}
	for _, target := range targets() {
		offered = append(offered, target.archive())
	}
	found := regexp.MustCompile(regexp.QuoteMeta(downloads)+`(\S+)/(\S+)`).FindAllStringSubmatch(string(read(t, "docs/install.md")), -1)
	if len(found) == 0 {
		t.Error("docs/install.md names no file of a release")
	}
	for _, file := range found {
		if file[1] != krew(t).Spec.Version || !slices.Contains(offered, file[2]) {
			t.Errorf("%s is no file of release %s", file[0], krew(t).Spec.Version)
		}
	}
}

func TestKrewManifestCoversEveryTarget(t *testing.T) {
	t.Parallel()
	plugin := krew(t)
	var want []krewPlatform
	for i, target := range targets() {
		entry := krewPlatform{Bin: target.executable(), URI: downloads + plugin.Spec.Version + "/" + target.archive()}
		entry.Selector.MatchLabels = map[string]string{"os": target.os, "arch": target.arch}
		if i < len(plugin.Spec.Platforms) {
			entry.SHA256 = plugin.Spec.Platforms[i].SHA256
		}
		if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(entry.SHA256) {
			t.Errorf("%s/%s: %q is no SHA-256 sum", target.os, target.arch, entry.SHA256)
		}
		want = append(want, entry)
	}
	if diff := cmp.Diff(want, plugin.Spec.Platforms); diff != "" {
		t.Errorf("platforms (-want +got):\n%s", diff)
	}
}

// goreleaser is what we use of goreleaser's configuration; a field beyond it needs a look here first.
type goreleaser struct {
	project
	Before    before            `json:"before"`
	Builds    []build           `json:"builds"`
	Archives  []archive         `json:"archives"`
	Source    sourceArchive     `json:"source"`
	SBOMs     []sbom            `json:"sboms"`
	Checksum  map[string]string `json:"checksum"`
	Changelog map[string]string `json:"changelog"`
	Release   githubRelease     `json:"release"`
	Krews     []krewSettings    `json:"krews"`
}

type project struct {
	Version     int    `json:"version"`
	ProjectName string `json:"project_name"`
}

type before struct {
	Hooks []string `json:"hooks"`
}

type build struct {
	Main         string   `json:"main"`
	Binary       string   `json:"binary"`
	Env          []string `json:"env"`
	Goos         []string `json:"goos"`
	Goarch       []string `json:"goarch"`
	Flags        []string `json:"flags"`
	LDFlags      []string `json:"ldflags"`
	ModTimestamp string   `json:"mod_timestamp"`
}

type archive struct {
	NameTemplate    string           `json:"name_template"`
	Formats         []string         `json:"formats"`
	FormatOverrides []formatOverride `json:"format_overrides"`
	BuildsInfo      fileInfo         `json:"builds_info"`
	Files           []archiveFile    `json:"files"`
}

type archiveFile struct {
	Src         string   `json:"src"`
	StripParent bool     `json:"strip_parent"`
	Info        fileInfo `json:"info"`
}

type sourceArchive struct {
	Enabled        bool   `json:"enabled"`
	PrefixTemplate string `json:"prefix_template"`
}

// sbom is how it is listed what something is made of.
type sbom struct {
	Artifacts string   `json:"artifacts"`
	Documents []string `json:"documents"`
	Cmd       string   `json:"cmd"`
	Args      []string `json:"args"`
}

// fileInfo is what an archive says of a file. What is not given is taken from the file of whoever builds the archive.
type fileInfo struct {
	Owner string `json:"owner"`
	Group string `json:"group"`
	Mode  int    `json:"mode"`
	Mtime string `json:"mtime"`
}

type formatOverride struct {
	Goos    string   `json:"goos"`
	Formats []string `json:"formats"`
}

type githubRelease struct {
	GitHub     repositoryName `json:"github"`
	Prerelease string         `json:"prerelease"`
}

type repositoryName struct {
	Owner string `json:"owner"`
	Name  string `json:"name"`
}

type krewSettings struct {
	Name             string         `json:"name"`
	Homepage         string         `json:"homepage"`
	ShortDescription string         `json:"short_description"`
	Description      string         `json:"description"`
	URLTemplate      string         `json:"url_template"`
	Repository       repositoryName `json:"repository"`
	SkipUpload       string         `json:"skip_upload"`
}

func TestGoreleaserBuildsEveryTarget(t *testing.T) {
	t.Parallel()
	config := releaser(t)
	want := []build{{
		Main: "./cmd/" + binary, Binary: binary,
		Env:  []string{"CGO_ENABLED=0"},
		Goos: []string{"linux", "darwin", "windows"}, Goarch: []string{"amd64", "arm64"},
		Flags: []string{"-trimpath"},
		LDFlags: []string{
			"-s -w", "-X main.version=v{{ .Version }}", "-X main.commit={{ .FullCommit }}", "-X main.date={{ .CommitDate }}",
		},
		ModTimestamp: "{{ .CommitTimestamp }}",
	}}
	if diff := cmp.Diff(want, config.Builds); diff != "" {
		t.Errorf("builds (-want +got):\n%s", diff)
	}
	if combinations := len(want[0].Goos) * len(want[0].Goarch); combinations != len(targets()) {
		t.Errorf("%d combinations for %d targets", combinations, len(targets()))
	}
	if config.Version != 2 || config.ProjectName != binary {
		t.Errorf("version %d of the configuration of %q", config.Version, config.ProjectName)
	}
}

func TestGoreleaserPacksWhatKrewAsksFor(t *testing.T) {
	t.Parallel()
	config := releaser(t)
	of := func(mode int) fileInfo {
		return fileInfo{Owner: "root", Group: "root", Mode: mode, Mtime: "{{ .CommitDate }}"}
	}
	const program, text = 0o755, 0o644
	want := []archive{{
		NameTemplate:    "{{ .ProjectName }}_{{ .Os }}_{{ .Arch }}",
		Formats:         []string{"tar.gz"},
		FormatOverrides: []formatOverride{{Goos: "windows", Formats: []string{"zip"}}},
		BuildsInfo:      of(program),
		Files: []archiveFile{
			{Src: "LICENSE", Info: of(text)},
			{Src: "README.md", Info: of(text)},
			{Src: notices, StripParent: true, Info: of(text)},
		},
	}}
	if diff := cmp.Diff(want, config.Archives); diff != "" {
		t.Errorf("archives (-want +got):\n%s", diff)
	}
	for _, file := range config.Archives[0].Files {
		if file.Src != notices && !slices.Contains(files(t), file.Src) {
			t.Errorf("%s goes into the archives and does not exist", file.Src)
		}
	}
}

func TestGoreleaserListsWhatTheProgramsAreMadeOf(t *testing.T) {
	t.Parallel()
	config := releaser(t)
	want := []sbom{{
		Artifacts: "binary", Documents: []string{"{{ .ProjectName }}_{{ .Os }}_{{ .Arch }}.cdx.json"}, Cmd: "cyclonedx-gomod",
		// A serial number and a time would make each build another one.
		Args: []string{"bin", "-json", "-std", "-noserial", "-notimestamp", "-version=v{{ .Version }}", "-output=$document", "$artifact"},
	}}
	if diff := cmp.Diff(want, config.SBOMs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !config.Source.Enabled {
		t.Error("there is no archive of the source")
	}
}

// notices are the licenses of what is linked into the program.
const notices = "bin/THIRD_PARTY_NOTICES.txt"

// What goes into the archives and is not in the repository is made before they are.
func TestGoreleaserMakesTheNotices(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string{"go run ./hack/notices " + notices}, releaser(t).Before.Hooks); diff != "" {
		t.Errorf("before the build (-want +got):\n%s", diff)
	}
}

func TestGoreleaserWritesTheKrewManifest(t *testing.T) {
	t.Parallel()
	spec := krew(t).Spec
	want := []krewSettings{{
		Name: "sherpack", Homepage: spec.Homepage,
		ShortDescription: spec.ShortDescription, Description: spec.Description,
		URLTemplate: downloads + "{{ .Tag }}/{{ .ArtifactName }}",
		Repository:  repositoryName{Owner: "sherpack-io", Name: "krew-index"}, SkipUpload: "true",
	}}
	if diff := cmp.Diff(want, releaser(t).Krews); diff != "" {
		t.Errorf("what goreleaser would write differs from krew-manifest.yaml (-manifest +goreleaser):\n%s", diff)
	}
}

func krew(t *testing.T) krewPlugin {
	t.Helper()
	var plugin krewPlugin
	if err := yaml.UnmarshalStrict(read(t, "krew-manifest.yaml"), &plugin); err != nil {
		t.Fatalf("reading krew-manifest.yaml: %v", err)
	}
	return plugin
}

func releaser(t *testing.T) goreleaser {
	t.Helper()
	var config goreleaser
	if err := yaml.UnmarshalStrict(read(t, ".goreleaser.yaml"), &config); err != nil {
		t.Fatalf("reading .goreleaser.yaml: %v", err)
	}
	return config
}
