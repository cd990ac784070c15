package kube_test

import (
	"strings"
	"testing"
)

const setWithClaims = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: db, volumeMounts: [{name: data, mountPath: /data}]}], VOLUMES}
  volumeClaimTemplates:
    - {metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
`

func TestCheckGivesThePodsOfASetItsClaims(t *testing.T) {
	t.Parallel()
	newBench(t).checkAll(map[string]checkCase{
		"its Pods mount a claim":              {text: strings.Replace(setWithClaims, "VOLUMES", "volumes: []", 1)},
		"a claim takes the place of a volume": {text: strings.Replace(setWithClaims, "VOLUMES", "volumes: [{name: data, emptyDir: {}}]", 1)},
		"its Pods mount what is neither here nor there": {
			text: strings.Replace(setWithClaims, "VOLUMES", "initContainers: [{name: i, image: i, volumeMounts: [{name: none, mountPath: /none}]}]", 1),
			want: `StatefulSet.*volumeMounts\[0\].name: Not found: "none"`,
		},
	})
}
