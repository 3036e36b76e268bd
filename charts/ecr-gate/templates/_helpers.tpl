{{/* Names. All but the labels derive from the full name; 50 characters leave room for the longest suffix. */}}

{{- define "ecr-gate.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "ecr-gate.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "ecr-gate.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{- define "ecr-gate.serviceAccountName" -}}
{{- default (include "ecr-gate.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{/* The Secret with the serving certificate, whoever fills it. */}}
{{- define "ecr-gate.certSecret" -}}
{{- if eq .Values.certs.mode "existing" -}}
{{- .Values.certs.existing.secretName -}}
{{- else -}}
{{- include "ecr-gate.fullname" . }}-webhook-cert
{{- end -}}
{{- end -}}

{{- define "ecr-gate.image" -}}
{{- with .Values.image.registry }}{{ . }}/{{ end -}}
{{- .Values.image.repository -}}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ default .Chart.AppVersion .Values.image.tag }}{{ end -}}
{{- end -}}

{{/* Labels that never change in the life of a release: what selects the pods. */}}
{{- define "ecr-gate.selectorLabels" -}}
app.kubernetes.io/name: {{ include "ecr-gate.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gate
{{- end -}}

{{- define "ecr-gate.commonLabels" -}}
app.kubernetes.io/part-of: ecr-gate
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Labels of the pods: what selects them cannot be overridden. */}}
{{- define "ecr-gate.podLabels" -}}
{{- $common := include "ecr-gate.commonLabels" . | fromYaml -}}
{{- $selector := include "ecr-gate.selectorLabels" . | fromYaml -}}
{{- mergeOverwrite (dict) $common .Values.podLabels $selector | toYaml -}}
{{- end -}}

{{/* metadata of a namespaced object. Takes a dict: root, and optionally suffix, labels, annotations. */}}
{{- define "ecr-gate.metadata" -}}
{{ include "ecr-gate.clusterMetadata" . }}
namespace: {{ include "ecr-gate.namespace" .root }}
{{- end -}}

{{/* The same of an object without a namespace. */}}
{{- define "ecr-gate.clusterMetadata" -}}
{{- $own := printf "%s\n%s" (include "ecr-gate.selectorLabels" .root) (include "ecr-gate.commonLabels" .root) | fromYaml -}}
name: {{ include "ecr-gate.fullname" .root }}{{ .suffix }}
labels:
  {{- mergeOverwrite (dict) $own (default dict .labels) | toYaml | nindent 2 }}
{{- with mergeOverwrite (dict) .root.Values.commonAnnotations (default dict .annotations) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Whether there is one replica. With an autoscaler nobody knows, and two are the least that make sense. */}}
{{- define "ecr-gate.single" -}}
{{- if not (kindIs "invalid" .Values.replicaCount) }}{{ if lt (int .Values.replicaCount) 2 }}true{{ end }}{{ end -}}
{{- end -}}

{{/* Which doors are open: "true" or nothing. */}}

{{- define "ecr-gate.webhookDoor" -}}
{{- if kindIs "map" .Values.config.webhook }}true{{ end -}}
{{- end -}}

{{- define "ecr-gate.pipelineDoor" -}}
{{- if kindIs "map" .Values.config.pipeline }}true{{ end -}}
{{- end -}}

{{- define "ecr-gate.namespaceLabels" -}}
{{- if include "ecr-gate.webhookDoor" . }}{{ if dig "namespaceLabels" true .Values.config.webhook }}true{{ end }}{{ end -}}
{{- end -}}

{{- define "ecr-gate.ownCertificates" -}}
{{- if and (include "ecr-gate.webhookDoor" .) (eq .Values.certs.mode "self") }}true{{ end -}}
{{- end -}}

{{/* Whether the process talks to the API server. A certificate from a folder and no look at namespaces: it need not. */}}
{{- define "ecr-gate.needsCluster" -}}
{{- if or (include "ecr-gate.ownCertificates" .) (include "ecr-gate.namespaceLabels" .) }}true{{ end -}}
{{- end -}}

{{/* Whether namespaces are chosen by selector. {} is a selector: of every namespace. */}}
{{- define "ecr-gate.bySelector" -}}
{{- if kindIs "map" .Values.namespaces.selector }}true{{ end -}}
{{- end -}}

{{- define "ecr-gate.labelled" -}}
{{- if and .Values.namespaces.labelled (include "ecr-gate.namespaceLabels" .) }}true{{ end -}}
{{- end -}}
