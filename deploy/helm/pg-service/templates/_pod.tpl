{{- define "pg-service.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.serviceAccountName }}
serviceAccountName: {{ . }}
{{- end }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  # The files of the Secret are readable by their group alone.
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "pg-service.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{- define "pg-service.env" -}}
- name: PG_SERVICE_PROPERTIES
  value: /etc/pg-service/pg-service.properties
# The name of this replica in the history and in the records of jobs.
- name: PG_SERVICE_SCHEDULER_NODE_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
{{- with index .Values.settings "log.format" }}
# The image sets it, and variables have precedence over the properties file.
- name: PG_SERVICE_LOG_FORMAT
  value: {{ . | quote }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "pg-service.mounts" -}}
- {name: settings, mountPath: /etc/pg-service/pg-service.properties, subPath: pg-service.properties, readOnly: true}
{{- if .Values.secrets.settings }}
- {name: secrets, mountPath: /run/secrets/pg-service, readOnly: true}
{{- end }}
- {name: temporary, mountPath: /tmp}
# Unused with PostgreSQL.
- {name: data, mountPath: /data}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* config and secret: the names of the ConfigMap and the Secret. */}}
{{- define "pg-service.volumes" -}}
- name: settings
  configMap: {name: {{ .config }}}
{{- if .root.Values.secrets.settings }}
- name: secrets
  secret: {secretName: {{ .secret }}, defaultMode: 0440}
{{- end }}
# Sheets of the console's downloads, two at a time: a pod that writes more is evicted.
- name: temporary
  emptyDir: {sizeLimit: 8Gi}
- name: data
  emptyDir: {sizeLimit: {{ eq .root.Values.target "sandbox" | ternary "1Gi" "64Mi" }}}
{{- with .root.Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
