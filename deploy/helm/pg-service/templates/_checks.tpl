{{/* Contradictions that the schema cannot see. All of them are told together. */}}
{{- define "pg-service.check" -}}
{{- $values := .Values -}}
{{- $wrong := list -}}
{{- $secrets := .Files.Lines "files/secret-settings.txt" -}}
{{- $openSecret := "^(remote\\.[^.]+\\.secret|(kafka\\.client|spring\\.kafka\\.properties)\\..*(password|secret|key|jaas).*)$" -}}
{{- $databaseUrl := default (index $values.settings "database.url") (index $values.settings "spring.datasource.url") -}}
{{- $own := merge (include "pg-service.ownSettings" . | fromYaml) (dict "server.address" "" "server.servlet.context-path" "" "server.public-url" "" "scheduler.node-name" "" "data.dir" "") -}}

{{- if not $values.image.repository -}}
{{- $wrong = append $wrong "image.repository: must be set to the name of the image, such as registry.example.org/pg-service" -}}
{{- end -}}
{{- if and $values.image.digest (not (regexMatch "^sha256:[0-9a-f]{64}$" $values.image.digest)) -}}
{{- $wrong = append $wrong "image.digest: must be sha256: and 64 hexadecimal digits" -}}
{{- end -}}
{{- if not (regexMatch "^(/[A-Za-z0-9._~-]+)+$" $values.contextPath) -}}
{{- $wrong = append $wrong "contextPath: must be a path such as /pg-service, without a slash at its end" -}}
{{- end -}}
{{- if and (eq $values.target "production") (not $databaseUrl) -}}
{{- $wrong = append $wrong "settings.\"spring.datasource.url\": must name a PostgreSQL database; without it payments are lost with the pod (target sandbox, for trials, needs none)" -}}
{{- end -}}
{{- if and $databaseUrl (regexMatch "(?i)[?&]password=|//[^/@]*:[^/@]*@" (toString $databaseUrl)) -}}
{{- $wrong = append $wrong "settings.\"spring.datasource.url\": holds a password; take it out, and name its key in secrets.settings.\"spring.datasource.password\"" -}}
{{- end -}}
{{- if eq $values.target "sandbox" -}}
{{- if or $values.autoscaling.enabled (ne (int $values.replicas) 1) -}}
{{- $wrong = append $wrong "replicas: must be 1 with target sandbox, without autoscaling: the sandbox keeps its payments in one replica" -}}
{{- end -}}
{{- end -}}

{{- range $name := concat (keys $values.settings) (keys $values.secrets.settings) -}}
{{- if not (regexMatch "^[A-Za-z][A-Za-z0-9._*-]*$" $name) -}}
{{- $wrong = append $wrong (printf "%q: is no name of a setting, see docs/configuration.md" $name) -}}
{{- end -}}
{{- end -}}
{{- range $name, $value := $values.settings -}}
{{- if or (has $name $secrets) (and (regexMatch $openSecret $name) (not (regexMatch "\\.(file|location)$" $name))) -}}
{{- $wrong = append $wrong (printf "settings.%q: is a secret and would be in a ConfigMap; name its key in secrets.settings.%q" $name $name) -}}
{{- else if hasKey $own $name -}}
{{- $wrong = append $wrong (printf "settings.%q: is set by the chart; see publicUrl, contextPath, migration.mode, console and tracing" $name) -}}
{{- else if contains "\n" (toString $value) -}}
{{- $wrong = append $wrong (printf "settings.%q: must be one line" $name) -}}
{{- end -}}
{{- end -}}

{{- range $name, $key := $values.secrets.settings -}}
{{- if not (or (has $name $secrets) (regexMatch $openSecret $name)) -}}
{{- $wrong = append $wrong (printf "secrets.settings.%q: is not read from a file, because it is no secret; set it in settings" $name) -}}
{{- end -}}
{{- end -}}
{{- range $key := concat (keys $values.secrets.files) (values $values.secrets.settings) -}}
{{- if not (regexMatch "^[A-Za-z0-9._-]+$" $key) -}}
{{- $wrong = append $wrong (printf "secrets: %q is no key of a Secret; letters, digits, dots, dashes and underscores are" $key) -}}
{{- end -}}
{{- end -}}
{{- if and $values.secrets.existingSecret $values.secrets.files -}}
{{- $wrong = append $wrong "secrets: has both existingSecret and files; use one" -}}
{{- end -}}
{{- if and $values.secrets.settings (not $values.secrets.existingSecret) (not $values.secrets.files) -}}
{{- $wrong = append $wrong "secrets.existingSecret: must name the Secret that holds the keys of secrets.settings; or give their contents with --set-file secrets.files.<key>=FILE" -}}
{{- end -}}
{{- if $values.secrets.files -}}
{{- range $name, $key := $values.secrets.settings -}}
{{- if not (hasKey $values.secrets.files $key) -}}
{{- $wrong = append $wrong (printf "secrets.files: has no %q, which secrets.settings.%q names" $key $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $values.migration.passwordKey (not $values.secrets.settings) -}}
{{- $wrong = append $wrong "migration.passwordKey: is a key of the Secret, and secrets.settings uses none" -}}
{{- end -}}
{{- if and (or $values.migration.username $values.migration.passwordKey) (ne $values.migration.mode "job") -}}
{{- $wrong = append $wrong "migration.username and migration.passwordKey: are for migration.mode job" -}}
{{- end -}}
{{- if and (eq $values.migration.mode "job") (not $databaseUrl) -}}
{{- $wrong = append $wrong "migration.mode: job needs PostgreSQL" -}}
{{- end -}}

{{- if and $values.publicUrl (not (regexMatch "^https?://[^/?#@]+(/[^?#]*)?$" $values.publicUrl)) -}}
{{- $wrong = append $wrong "publicUrl: must be an address such as https://city.example.org/pg-service" -}}
{{- end -}}
{{- range $path := $values.ingress.paths -}}
{{- if not (regexMatch "^(/.*)?$" $path) -}}
{{- $wrong = append $wrong (printf "ingress.paths: %q must begin with a slash, or be empty for all" $path) -}}
{{- end -}}
{{- end -}}
{{- if and $values.publicUrl (not (hasSuffix $values.contextPath $values.publicUrl)) -}}
{{- $wrong = append $wrong (printf "publicUrl: must end with contextPath, %s" $values.contextPath) -}}
{{- end -}}
{{- if and $values.publicUrl (eq $values.target "production") (not (hasPrefix "https://" $values.publicUrl)) -}}
{{- $wrong = append $wrong "publicUrl: must begin with https:// with target production" -}}
{{- end -}}
{{- if and $values.ingress.enabled (not $values.publicUrl) -}}
{{- $wrong = append $wrong "publicUrl: must be set with ingress.enabled; the Ingress takes its host from it" -}}
{{- end -}}
{{- with $values.console.host -}}
{{- if not $values.console.enabled -}}
{{- $wrong = append $wrong "console.host: needs console.enabled" -}}
{{- end -}}
{{- if not (regexMatch "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$" .) -}}
{{- $wrong = append $wrong "console.host: must be a host name such as payments-office.city.example.org" -}}
{{- end -}}
{{- if and $values.publicUrl (eq . (urlParse $values.publicUrl).hostname) -}}
{{- $wrong = append $wrong "console.host: must be another host than that of publicUrl, which payers reach" -}}
{{- end -}}
{{- end -}}
{{- if and $values.autoscaling.enabled (gt (int $values.autoscaling.minReplicas) (int $values.autoscaling.maxReplicas)) -}}
{{- $wrong = append $wrong "autoscaling.minReplicas: exceeds maxReplicas" -}}
{{- end -}}

{{- if $wrong -}}
{{- fail (printf "\n\nThe values cannot be used:\n  - %s\n" (join "\n  - " $wrong)) -}}
{{- end -}}
{{- end -}}
