{{- define "zvm.labels" -}}
app.kubernetes.io/name: networking-zvm
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "zvm.selector" -}}
app.kubernetes.io/name: networking-zvm
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "zvm.image" -}}
{{- $values := .root.Values }}
image: {{ printf "%s:%s" $values.image.repository (default (default .root.Chart.AppVersion $values.image.tag) .tag) | quote }}
imagePullPolicy: {{ $values.image.pullPolicy }}
{{- end }}

{{- define "zvm.workerName" -}}
{{- printf "%s-worker-%s-%s" .root.Release.Name .host .tag | lower | replace "." "-" | replace "_" "-" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "zvm.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "zvm.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{- define "zvm.temporalEnv" -}}
- name: TEMPORAL_ADDRESS
  value: {{ .Values.temporal.address | quote }}
- name: TEMPORAL_NAMESPACE
  value: {{ .Values.temporal.namespace | quote }}
{{- if .Values.temporal.tlsSecret }}
- name: TEMPORAL_TLS_SERVER_CA_CERT_PATH
  value: /etc/temporal/ca.crt
- name: TEMPORAL_TLS_CLIENT_CERT_PATH
  value: /etc/temporal/tls.crt
- name: TEMPORAL_TLS_CLIENT_KEY_PATH
  value: /etc/temporal/tls.key
{{- end }}
{{- end }}

{{- define "zvm.temporalMount" -}}
{{- if .Values.temporal.tlsSecret }}
- name: temporal
  mountPath: /etc/temporal
  readOnly: true
{{- end }}
{{- end }}

{{- define "zvm.temporalVolume" -}}
{{- if .Values.temporal.tlsSecret }}
- name: temporal
  secret: { secretName: {{ .Values.temporal.tlsSecret }} }
{{- end }}
{{- end }}

{{- define "zvm.resources" -}}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}

{{- define "zvm.probes" -}}
ports:
  - { name: health, containerPort: 9480 }
# A process without CPU is slow, and no restart helps it: five minutes without an answer.
livenessProbe:
  httpGet: { path: /healthz, port: health }
  periodSeconds: 30
  timeoutSeconds: 20
  failureThreshold: 10
readinessProbe:
  httpGet: { path: /readyz, port: health }
  timeoutSeconds: 5
{{- end }}
