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
{{- if and (not $single) .Values.podDisruptionBudget.enabled (include "ecr-gate.budgetAllowsNone" .) }}
WARNING: the PodDisruptionBudget lets no pod go. A drain of its node waits for ever: set podDisruptionBudget.maxUnavailable to 1.
{{ end -}}
{{- $least := include "ecr-gate.leastGracePeriod" . | int }}
{{- if lt (int .Values.terminationGracePeriodSeconds) $least }}
WARNING: terminationGracePeriodSeconds is {{ int .Values.terminationGracePeriodSeconds }}, and stopping may take {{ $least }} s. {{ if include "ecr-gate.pipelineDoor" . }}A job in hand when the pod is killed hangs for up to 24 hours.{{ else }}Reviews in hand when the pod is killed get no answer.{{ end }}
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

{{/*
What stopping takes: the preStop sleep of the webhook, then jobs in hand (gate/pipeline's
DefaultStopWithin) beside connections that are closed (webhook's drainTime) and the longest review.
*/}}
{{- define "ecr-gate.leastGracePeriod" -}}
{{- $least := 0 -}}
{{- if include "ecr-gate.pipelineDoor" . }}{{ $least = 37 }}{{ end -}}
{{- if include "ecr-gate.webhookDoor" . }}{{ $least = add 5 (max $least (add 3 (int .Values.webhook.timeoutSeconds))) }}{{ end -}}
{{- $least -}}
{{- end -}}

{{/*
"true" if evictions are always refused. Kubernetes rounds a percentage up, of either kind. How many
replicas an autoscaler makes nobody knows here: then only what holds for any number counts.
*/}}
{{- define "ecr-gate.budgetAllowsNone" -}}
{{- $replicas := int .Values.replicaCount -}}
{{- with .Values.podDisruptionBudget -}}
{{- if kindIs "invalid" .minAvailable -}}
{{- if eq (trimSuffix "%" (toString .maxUnavailable) | int) 0 }}true{{ end -}}
{{- else if hasSuffix "%" (toString .minAvailable) -}}
{{- $percent := trimSuffix "%" .minAvailable | int -}}
{{- if or (ge $percent 100) (and $replicas (ge (div (add 99 (mul $replicas $percent)) 100 | int) $replicas)) }}true{{ end -}}
{{- else if and $replicas (ge (int .minAvailable) $replicas) -}}
true
{{- end -}}
{{- end -}}
{{- end -}}
