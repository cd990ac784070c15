{{/* The labels that select the Pods of the application. They cannot be changed once it is installed. */}}
{{- define "starter.selector" -}}
app.kubernetes.io/name: {{ pack.name | quote }}
app.kubernetes.io/instance: {{ release.name | quote }}
{{- end -}}

{{/* The labels of all that belongs to the application. */}}
{{- define "starter.labels" -}}
{{ include "starter.selector" . }}
app.kubernetes.io/version: {{ pack.appVersion | quote }}
{{- end -}}

{{/* A Pod that runs where the Pod Security Standard "restricted" is enforced, and that cannot ask the API server. */}}
{{- define "starter.securePod" -}}
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{/* What the containers of the hooks have in common. The user is nobody, because the image would run as root. */}}
{{- define "starter.tools" -}}
image: {{ values.tools.image | quote }}
securityContext:
  runAsUser: 65534
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
resources:
  requests:
    cpu: 10m
    memory: 16Mi
  limits:
    memory: 64Mi
{{- end -}}
