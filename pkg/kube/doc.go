// Package kube is the only package that changes the cluster: it applies and deletes objects, waits for them, runs hooks and
// reads their logs. It knows Kubernetes and nothing of packs, releases or plans.
//
// Everything that waits is fed by shared watches (see feed); nothing polls unless the right to watch is missing. Nothing here
// prints. What can be told without a cluster is told by the packages below: health, pods and refusal.
package kube
