{{- define "pg-service.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 40 characters, so that names derived from it stay below 63. */}}
{{- define "pg-service.fullname" -}}
{{- $name := include "pg-service.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Never more than this: the selector of a Deployment cannot be changed. */}}
{{- define "pg-service.selector" -}}
app.kubernetes.io/name: {{ include "pg-service.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "pg-service.commonLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "pg-service.labels" -}}
{{ include "pg-service.selector" . }}
{{ include "pg-service.commonLabels" . }}
{{- end -}}

{{/* Of pods beside the service, which no selector of its own may find. */}}
{{- define "pg-service.labelsBeside" -}}
app.kubernetes.io/name: {{ include "pg-service.name" .root }}-{{ .role }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{ include "pg-service.commonLabels" .root }}
{{- end -}}

{{- define "pg-service.secret" -}}
{{- default (include "pg-service.fullname" .) .Values.secrets.existingSecret -}}
{{- end -}}

{{- define "pg-service.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- $default := eq .Values.target "sandbox" | ternary (printf "%s-sandbox" .Chart.AppVersion) .Chart.AppVersion -}}
{{- printf "%s:%s" $image.repository (default $default $image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "pg-service.internalUrl" -}}
{{- printf "http://%s.%s:%v%s" (include "pg-service.fullname" .) .Release.Namespace .Values.service.port .Values.contextPath -}}
{{- end -}}
