{{- define "meta" }}
  name: {{ printf "item-%04d" . }}
  labels: {app: size, item: {{ . | quote }}}
  annotations: {tag: {{ values.tag }}}
{{- end }}
