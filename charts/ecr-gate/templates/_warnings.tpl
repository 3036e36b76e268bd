{{/* What NOTES.txt warns about: it works, but somebody may regret it. */}}
{{- define "ecr-gate.warnings" -}}
{{- $webhook := include "ecr-gate.webhookDoor" . -}}
{{- $fails := and $webhook (eq .Values.webhook.failurePolicy "Fail") -}}
{{- $single := include "ecr-gate.single" . -}}
{{- if $single }}
WARNING: one replica. {{ if $fails }}While it moves to another node, no pod in a covered namespace can start.{{ else }}While it moves to another node, nothing is judged.{{ end }}
{{ end -}}
{{- if and $fails (not $single) (not .Values.podDisruptionBudget.enabled) }}
WARNING: failurePolicy Fail without a PodDisruptionBudget. A drain may take all replicas at once, and no pod in a covered namespace can start.
{{ end -}}
{{- if and $webhook (not $fails) }}
WARNING: failurePolicy Ignore. Whoever can overload the gate gets past it.
{{ end -}}
{{- if and $webhook .Values.webhook.objectSelector }}
WARNING: webhook.objectSelector is set. Whoever makes a pod chooses its labels, and so whether it is judged.
{{ end -}}
{{- if $webhook }}
{{- range .Values.namespaces.names }}
{{- if has . (list "default" "kube-public") }}
WARNING: namespace {{ . }} is covered. Parts of the cluster itself may run there; while the gate is down they cannot start.
{{ end -}}
{{- end }}
{{- end }}
{{- if not .Values.image.digest }}
WARNING: no image.digest. A tag can be moved, also that of the gate.
{{ end -}}
{{- if not (hasKey (default dict .Values.serviceAccount.annotations) "eks.amazonaws.com/role-arn") }}
WARNING: no role in serviceAccount.annotations, so EKS Pod Identity is assumed. If there is no association yet:
  aws eks create-pod-identity-association --cluster-name CLUSTER --role-arn ROLE \
    --namespace {{ include "ecr-gate.namespace" . }} --service-account {{ include "ecr-gate.serviceAccountName" . }}
{{ end -}}
{{- if not .Values.networkPolicy.enabled }}
WARNING: networkPolicy is off. Every pod of the cluster can reach the gate's ports.
{{ end -}}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled }}
WARNING: serviceMonitor and podMonitor are both on. Every series is counted twice.
{{ end -}}
{{- end -}}
