{{ define "labels" }}{{ end }}
