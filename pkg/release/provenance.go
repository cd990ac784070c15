package release

// Provenance says where a revision comes from: who made it, where, and from what. A field is empty where that is not known; a store may cut a long one.
type Provenance struct {
	// User is who the API server took the command's user for.
	User string `json:"user,omitempty"`
	// Host is the name of the machine that the command ran on.
	Host string `json:"host,omitempty"`
	// Run is the address of the CI run that the command was part of.
	Run string `json:"run,omitempty"`
	// Commit is the git commit that the pack's folder was at, and Dirty that files of the pack differed from it.
	Commit string `json:"commit,omitempty"`
	Dirty  bool   `json:"dirty,omitempty"`
	// Digest identifies the content of the pack: sha256:…, the same for a folder and an archive of it.
	Digest string `json:"digest,omitempty"`
}
