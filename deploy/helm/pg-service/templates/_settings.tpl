{{/* A value as text. Numbers of values files are floats, which Go writes as 3.3554432e+07. */}}
{{- define "pg-service.text" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) -}}
{{- printf "%.0f" . -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end -}}

{{/* Settings of the chart's own, as a dictionary in YAML. */}}
{{- define "pg-service.ownSettings" -}}
server.port: "9000"
server.admin-port: "9001"
server.context-path: {{ .Values.contextPath | quote }}
{{- if .Values.publicUrl }}
server.public-url: {{ .Values.publicUrl | quote }}
{{- else if eq .Values.target "sandbox" }}
server.public-url: {{ include "pg-service.internalUrl" . | quote }}
{{- end }}
{{- with .Values.console }}
{{- if .enabled }}
console.enabled: "true"
console.port: "9002"
{{- if .host }}
console.host: {{ .host | quote }}
console.url: {{ printf "https://%s" .host | quote }}
{{- else }}
console.url: http://127.0.0.1:9002
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.tracing }}
{{- if .endpoint }}
otel.exporter.otlp.endpoint: {{ .endpoint | quote }}
otel.exporter.otlp.protocol: {{ .protocol | quote }}
otel.service.name: {{ include "pg-service.fullname" $ | quote }}
otel.traces.sampler: parentbased_traceidratio
otel.traces.sampler.arg: {{ .share | quote }}
{{- end }}
{{- end }}
database.migrate-at-start: {{ eq .Values.migration.mode "start" | quote }}
{{- end -}}

{{/* The properties file: a backslash is doubled, so that values are read as they stand in the values file. */}}
{{- define "pg-service.properties" -}}
{{- range $name, $value := include "pg-service.ownSettings" . | fromYaml }}
{{ $name }}={{ $value }}
{{- end }}
{{- range $name, $value := .Values.settings }}
{{- if not (kindIs "invalid" $value) }}
{{ $name }}={{ include "pg-service.text" $value | replace "\\" "\\\\" }}
{{- end }}
{{- end }}
{{- range $name, $key := .Values.secrets.settings }}
{{ $name }}.file=/run/secrets/pg-service/{{ $key }}
{{- end }}
{{- end -}}
