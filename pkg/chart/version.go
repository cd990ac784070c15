package chart

import (
	"fmt"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	"sigs.k8s.io/yaml"
)

// checkVersion refuses a Chart.yaml of a version that is not known here; one that says none is of the first, as Helm has it.
func checkVersion(data []byte) error {
	var head struct {
		APIVersion string `json:"apiVersion"`
	}
	if err := yaml.Unmarshal(data, &head); err != nil {
		return fmt.Errorf("reading Chart.yaml: %w", err)
	}
	switch head.APIVersion {
	case "", chart.APIVersionV1, chart.APIVersionV2:
		return nil
	}
	return fmt.Errorf("apiVersion %s in Chart.yaml is not supported; charts of v1 and v2 are", head.APIVersion)
}
