// Package stages holds the lives of simulated Pods and Nodes, in the form that
// kwok plays them: as stages, each with a state it starts from, a delay and a
// template of the status it leads to.
package stages

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed *.jq *.tmpl
var files embed.FS

// stage is a step in the life of an object.
type stage struct {
	name string
	kind string
	// key and value say when the stage applies: when the jq expression yields the value.
	key, value string
	// delay is a jq expression for a duration; "" is none.
	delay string
	// warning is the reason and the message of an event, or empty.
	warning [2]string
	// template names the file with the next status; "" deletes the object.
	template string
}

func stages(state string) []stage {
	const note = `.metadata.annotations["sim.sherpack.io/%s"] // %q`
	return []stage{
		{kind: "Node", name: "node-ready", key: `any(.status.conditions[]?; .type == "Ready" and .status == "True")`, value: "false", template: "node-ready.tmpl"},
		{kind: "Pod", name: "pod-block", key: state, value: "blocked", template: "pod-block.tmpl", warning: [2]string{"Failed", "Error: the container cannot start"}},
		{kind: "Pod", name: "pod-start", key: state, value: "scheduled", template: "pod-start.tmpl"},
		{kind: "Pod", name: "pod-ready", key: state, value: "starting", template: "pod-ready.tmpl", delay: fmt.Sprintf(note, "ready-after", "0s")},
		{kind: "Pod", name: "pod-end", key: state, value: "ending", template: "pod-end.tmpl", delay: fmt.Sprintf(note, "run-for", "0s")},
		{kind: "Pod", name: "pod-restart", key: state, value: "backing-off", template: "pod-restart.tmpl", delay: fmt.Sprintf(note, "restart-after", "1s"), warning: [2]string{"BackOff", "Back-off restarting failed container"}},
		{kind: "Pod", name: "pod-terminate", key: state, value: "terminating", template: "pod-terminate.tmpl", delay: fmt.Sprintf(note, "delete-after", "0s")},
		{kind: "Pod", name: "pod-delete", key: state, value: "deleted"},
	}
}

// Config returns a configuration file of kwok with all stages.
func Config() ([]byte, error) {
	state, err := files.ReadFile("state.jq")
	if err != nil {
		return nil, fmt.Errorf("read stages: %w", err)
	}
	// Four Pods at a time, the default, would hold up a hundred Deployments. What is not named here is zero.
	options := tree{
		"apiVersion": "config.kwok.x-k8s.io/v1alpha1",
		"kind":       "KwokConfiguration",
		"options":    tree{"podPlayStageParallelism": 16, "nodePlayStageParallelism": 1, "nodeLeaseParallelism": 1, "podsOnNodeSyncParallelism": 1},
	}
	var config strings.Builder
	encoder := json.NewEncoder(&config)
	if err := encoder.Encode(options); err != nil {
		return nil, fmt.Errorf("encode options: %w", err)
	}
	for _, s := range stages(string(state)) {
		object, err := s.object()
		if err != nil {
			return nil, err
		}
		config.WriteString("---\n")
		if err := encoder.Encode(object); err != nil {
			return nil, fmt.Errorf("encode stage %s: %w", s.name, err)
		}
	}
	return []byte(config.String()), nil
}

// tree is any JSON object.
type tree map[string]any

func (s stage) object() (tree, error) {
	next, err := s.next()
	if err != nil {
		return nil, err
	}
	spec := tree{
		"resourceRef": tree{"apiGroup": "v1", "kind": s.kind},
		"selector":    tree{"matchExpressions": []tree{{"key": s.key, "operator": "In", "values": []string{s.value}}}},
		"next":        next,
	}
	if s.delay != "" {
		spec["delay"] = tree{"durationMilliseconds": 0, "durationFrom": tree{"expressionFrom": s.delay}}
	}
	return tree{
		"apiVersion": "kwok.x-k8s.io/v1alpha1",
		"kind":       "Stage",
		"metadata":   tree{"name": s.name},
		"spec":       spec,
	}, nil
}

func (s stage) next() (tree, error) {
	if s.template == "" {
		return tree{"delete": true}, nil
	}
	text, err := s.text()
	if err != nil {
		return nil, err
	}
	next := tree{"patches": []tree{{"subresource": "status", "template": text}}}
	if s.warning[0] != "" {
		next["event"] = tree{"type": "Warning", "reason": s.warning[0], "message": s.warning[1]}
	}
	return next, nil
}

// head begins the patch of every stage. The object must not have changed since
// kwok saw it: a stage that is played late would turn back its life.
const head = `metadata: {resourceVersion: {{ .metadata.resourceVersion | Quote }}}
status:
`

// text returns the template of the next status, with all it refers to.
func (s stage) text() (string, error) {
	own, err := files.ReadFile(s.template)
	if err != nil || s.kind != "Pod" {
		return head + string(own), err
	}
	common, err := files.ReadFile("common.tmpl")
	return string(common) + head + string(own), err
}
