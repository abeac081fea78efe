{{- define "teal.name" -}}
{{- $name := contains "teal" .Release.Name | ternary .Release.Name (print .Release.Name "-teal") -}}
{{- $name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "teal.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "teal.name" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{- define "teal.secret" -}}
{{ .Values.secret.existing | default (include "teal.name" .) }}
{{- end }}

{{/* Of an object: (dict "root" $ "part" "api"); what selects its pods is the same without the versions. */}}
{{- define "teal.selector" -}}
app.kubernetes.io/name: teal
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .part }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{- define "teal.labels" -}}
{{ include "teal.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{/*
What the pods of API and worker have in common. A change of the Secret replaces them, since the environment is read at
the start only; teal.yaml is read again while they run.
*/}}
{{- define "teal.podMetadata" -}}
labels:
  {{- include "teal.labels" . | nindent 2 }}
annotations:
  checksum/secret: {{ include (print .root.Template.BasePath "/secret.yaml") .root | sha256sum }}
  {{- with .root.Values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "teal.podSpec" -}}
serviceAccountName: {{ include "teal.serviceAccount" .root }}
{{- /* Teal talks to AWS and Redis, never to Kubernetes. */}}
automountServiceAccountToken: false
{{- /* Or a Service called teal would set TEAL_PORT=tcp://… in every pod. */}}
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  seccompProfile: { type: RuntimeDefault }
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "teal.selector" . | nindent 8 }}
volumes:
  - name: config
    configMap: { name: {{ include "teal.name" .root }} }
  - name: tmp
    emptyDir: { sizeLimit: 16Mi }
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "teal.container" -}}
name: {{ .part }}
image: "{{ .root.Values.image.repository }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}"
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
volumeMounts:
  # The whole folder: a single file of it (subPath) would stay as it was when the pod began.
  - { name: config, mountPath: /etc/teal, readOnly: true }
  - { name: tmp, mountPath: /tmp }
resources:
  {{- toYaml (index .root.Values .part).resources | nindent 2 }}
{{- end }}

{{- define "teal.env" -}}
- name: TEAL_CONFIG
  value: /etc/teal/teal.yaml
- name: TEAL_KEY_PREFIX
  value: {{ .root.Values.keyPrefix | quote }}
- name: TEAL_LOG_LEVEL
  value: {{ .root.Values.logLevel }}
{{- with .root.Values.redis }}
{{- if .sentinels }}
- name: REDIS_SENTINELS
  value: {{ .sentinels | quote }}
- name: REDIS_MASTER_NAME
  value: {{ required "Set redis.masterName: the name by which the sentinels know the master" .masterName | quote }}
{{- with .username }}
- name: REDIS_USERNAME
  value: {{ . | quote }}
{{- end }}
- name: REDIS_PASSWORD
  valueFrom:
    secretKeyRef: { name: {{ include "teal.secret" $.root }}, key: redis-password, optional: true }
- name: REDIS_SENTINEL_PASSWORD
  valueFrom:
    secretKeyRef: { name: {{ include "teal.secret" $.root }}, key: redis-sentinel-password, optional: true }
{{- if .tls }}
- name: REDIS_TLS
  value: "1"
{{- end }}
{{- else }}
- name: REDIS_URL
  valueFrom:
    secretKeyRef: { name: {{ include "teal.secret" $.root }}, key: redis-url }
{{- end }}
{{- with .wait }}
- name: TEAL_REDIS_WAIT
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- with .root.Values.outbound.allow }}
- name: TEAL_OUTBOUND_ALLOW
  value: {{ join "," . | quote }}
{{- end }}
{{- range $name, $value := .root.Values.env }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{/* What hooks and sources of measurements need. The API calls neither, so it has no use for these secrets. */}}
{{- define "teal.calls" -}}
{{- $root := .root -}}
- name: TEAL_GITHUB_TOKEN
  valueFrom:
    secretKeyRef: { name: {{ include "teal.secret" $root }}, key: github-token, optional: true }
- name: TEAL_HOOK_SECRET
  valueFrom:
    secretKeyRef: { name: {{ include "teal.secret" $root }}, key: hook-secret, optional: true }
{{- range $name, $from := $root.Values.headerSecrets }}
{{- $key := print "header-" $name }}
{{- if $root.Values.secret.existing }}
{{- $key = required (printf "Set headerSecrets.%s.key: with secret.existing the chart makes no Secret to hold a value" $name) $from.key }}
{{- end }}
- name: TEAL_SECRET_{{ $name }}
  valueFrom:
    secretKeyRef: { name: {{ include "teal.secret" $root }}, key: {{ $key | quote }} }
{{- end }}
{{- end }}
