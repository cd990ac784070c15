package pack

import (
	"fmt"

	"github.com/Masterminds/semver/v3"
)

// constraint returns what the pack demands of a cluster, nil where it demands nothing.
func (m Metadata) constraint() (*semver.Constraints, error) {
	if m.KubeVersion == "" {
		return nil, nil
	}
	constraint, err := semver.NewConstraint(m.KubeVersion)
	if err != nil {
		return nil, err
	}
	constraint.IncludePrerelease = true
	return constraint, nil
}

// SupportsKube returns an error where the pack's kubeVersion does not allow a cluster of this version, which may
// have a leading v. What a provider appends does not count: v1.36.3-gke.1 is allowed where v1.36.3 is.
func (p *Pack) SupportsKube(version string) error {
	constraint, err := p.Metadata.constraint()
	if err != nil {
		return fmt.Errorf("pack %s: kubeVersion %q: %w", p.Metadata.Name, p.Metadata.KubeVersion, err)
	}
	if constraint == nil {
		return nil
	}
	full, err := semver.NewVersion(version)
	if err != nil {
		return fmt.Errorf("read the version of the cluster %q: %w", version, err)
	}
	plain := semver.New(full.Major(), full.Minor(), full.Patch(), "", "")
	if constraint.Check(full) || constraint.Check(plain) {
		return nil
	}
	return fmt.Errorf("pack %s needs Kubernetes %s, the cluster has %s", p.Metadata.Name, p.Metadata.KubeVersion, version)
}
