{{- define "shop.labels" -}}
app.kubernetes.io/name: {{ pack.name }}
app.kubernetes.io/instance: {{ release.name }}
{{- end -}}
