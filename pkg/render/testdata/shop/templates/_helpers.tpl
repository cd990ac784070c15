{{- define "labels" -}}
app.kubernetes.io/name: {{ pack.name }}
app.kubernetes.io/instance: {{ release.name }}
app.kubernetes.io/version: {{ pack.appVersion | quote }}
{{- end }}
