{{/*
The alerts, each with its severity: critical wakes somebody, warning waits for the morning,
info is for whoever looks. Every name has a heading in docs/runbook.md.

The braces of Prometheus' own templates are written {{ "{{" }} … }} here.
*/}}
{{- define "ecr-gate.alerts" -}}
{{- $name := include "ecr-gate.fullname" . -}}
{{- $namespace := include "ecr-gate.namespace" . -}}
{{- $rule := .Values.prometheusRule -}}
{{- $in := printf "namespace=%q" $namespace -}}
{{- /* Codes of AWS, as gate/ecr/trouble.go sorts them; UnknownError is the SDK's word for an error without any. */}}
{{- $denied := "AccessDenied.*|UnrecognizedClientException|InvalidClientTokenId|ExpiredToken.*|UnauthorizedOperation|InvalidSignatureException|SignatureDoesNotMatch|InvalidIdentityToken|MissingAuthenticationToken.*|OptInRequired|NoCredentials" -}}
{{- $throttled := "Throttl.*|RequestThrottled.*|TooManyRequests.*|RequestLimitExceeded|SlowDown" -}}
{{- $down := "Timeout|Error|UnknownError|RequestTimeout.*|ServerException|Internal.*|ServiceUnavailable.*" -}}
{{- /* Controllers whose pods are refused try again ever more seldom, in the end every 17 minutes. A window must hold two of these. */}}
{{- $window := "30m" -}}
{{- $handful := 4 -}}
{{- $consequence := "Jobs of CodePipeline wait." -}}
{{- if include "ecr-gate.webhookDoor" . -}}
{{- $consequence = ternary "In covered namespaces no pod can start." "In covered namespaces pods are let in unjudged." (eq .Values.webhook.failurePolicy "Fail") -}}
{{- end -}}
- alert: EcrGateDown
  severity: critical
  for: 2m
  expr: |
    kube_deployment_status_replicas_available{{ printf "{%s, deployment=%q}" $in $name }} == 0
  summary: no replica of ecr-gate is ready
  description: '{{ $consequence }}'
- alert: EcrGateReplicasMissing
  severity: warning
  for: 15m
  expr: |
    kube_deployment_status_replicas_available{{ printf "{%s, deployment=%q}" $in $name }}
      < kube_deployment_spec_replicas{{ printf "{%s, deployment=%q}" $in $name }}
  summary: fewer replicas of ecr-gate are ready than should be
  description: '{{ "{{" }} $value }} ready. One more that fails may leave none.'
{{- if not (and (has "EcrGateDown" $rule.disabled) (has "EcrGateReplicasMissing" $rule.disabled)) }}
- alert: EcrGateKubeStateMetricsMissing
  severity: warning
  for: 15m
  expr: |
    absent(kube_deployment_status_replicas_available{{ printf "{%s, deployment=%q}" $in $name }})
  summary: nothing is heard of the Deployment of ecr-gate
  description: 'Prometheus has no metrics of kube-state-metrics for it, so that EcrGateDown and EcrGateReplicasMissing cannot fire.'
{{- end }}
- alert: EcrGateMetricsMissing
  severity: warning
  for: 10m
  expr: |
    absent(ecr_gate_config_reload_success{{ printf "{%s}" $in }})
  summary: nothing is heard of ecr-gate
  description: 'Prometheus has no metrics of it, so that none of the other alerts can fire.'
- alert: EcrGateConfigRefused
  severity: warning
  for: 5m
  expr: |
    min(ecr_gate_config_reload_success{{ printf "{%s}" $in }}) == 0
  summary: ecr-gate refused its new configuration
  description: 'The last good one stays in force. A pod that starts anew with this one will not come up.'
- alert: EcrGateCouldNotCheck
  severity: warning
  for: 5m
  expr: |
    sum by (door) (increase(ecr_gate_verdicts_total{{ printf "{%s, outcome=\"Unavailable\"}" $in }}[{{ $window }}]))
      / sum by (door) (increase(ecr_gate_verdicts_total{{ printf "{%s}" $in }}[{{ $window }}]))
      > {{ $rule.couldNotCheckRatio }}
      and sum by (door) (increase(ecr_gate_verdicts_total{{ printf "{%s, outcome=\"Unavailable\"}" $in }}[{{ $window }}])) > {{ $handful }}
  summary: ecr-gate cannot judge many of the images it is asked about
  description: '{{ "{{" }} $value | humanizePercentage }} of the verdicts at the door {{ "{{" }} $labels.door }} are "could not check".'
- alert: EcrGateAWSAccessDenied
  severity: warning
  for: 5m
  # Not S3: it is asked with the credentials of the job, which are the pipeline's.
  expr: |
    sum by (service, operation, code) (increase(ecr_gate_aws_requests_total{{ printf "{%s, service!=\"S3\", code=~%q}" $in $denied }}[{{ $window }}])) > 0
  summary: AWS refuses ecr-gate access
  description: '{{ "{{" }} $labels.service }} {{ "{{" }} $labels.operation }} answers {{ "{{" }} $labels.code }}.'
- alert: EcrGateAWSThrottled
  severity: warning
  for: 5m
  expr: |
    sum by (service, operation) (increase(ecr_gate_aws_requests_total{{ printf "{%s, code=~%q}" $in $throttled }}[{{ $window }}])) > {{ $handful }}
  summary: AWS throttles ecr-gate
  description: '{{ "{{" }} $labels.service }} {{ "{{" }} $labels.operation }}, {{ "{{" }} $value | humanize }} times in half an hour, after retries.'
- alert: EcrGateAWSNotAnswering
  severity: warning
  for: 5m
  # Not a Region that nobody configured: whoever names an image can make one up.
  expr: |
    sum by (service, region) (increase(ecr_gate_aws_requests_total{{ printf "{%s, region!=\"other\", code=~%q}" $in $down }}[{{ $window }}]))
      / sum by (service, region) (increase(ecr_gate_aws_requests_total{{ printf "{%s}" $in }}[{{ $window }}]))
      > 0.1
      and sum by (service, region) (increase(ecr_gate_aws_requests_total{{ printf "{%s, code=~%q}" $in $down }}[{{ $window }}])) > {{ $handful }}
  summary: AWS does not answer ecr-gate
  description: '{{ "{{" }} $value | humanizePercentage }} of the calls to {{ "{{" }} $labels.service }}{{ "{{" }} with $labels.region }} in {{ "{{" }} . }}{{ "{{" }} end }} fail.'
{{- if include "ecr-gate.webhookDoor" . }}
{{- $seconds := $rule.reviewSeconds | default (divf .Values.webhook.timeoutSeconds 2) }}
{{- $hooks := "(labelled-)?pods\\.ecr-gate\\.dev" }}
- alert: EcrGateNotAnswering
  severity: critical
  for: 3m
  expr: |
    sum(rate(apiserver_admission_webhook_rejection_count{{ printf "{name=~%q, error_type=\"calling_webhook_error\"}" $hooks }}[5m])) > 0
      or sum(rate(apiserver_admission_webhook_fail_open_count{{ printf "{name=~%q}" $hooks }}[5m])) > 0
  summary: the API server gets no answer from ecr-gate
  description: '{{ $consequence }}'
{{- if not (has "EcrGateNotAnswering" $rule.disabled) }}
- alert: EcrGateAPIServerMetricsMissing
  severity: warning
  for: 15m
  # What the API server always has: of those that EcrGateNotAnswering reads there are none until a review fails.
  expr: |
    absent(apiserver_request_total)
  summary: nothing is heard of the API server
  description: 'Prometheus has no metrics of it, so that EcrGateNotAnswering cannot fire.'
{{- end }}
- alert: EcrGateSlow
  severity: warning
  for: 10m
  expr: |
    histogram_quantile(0.99, sum by (le) (rate(ecr_gate_review_duration_seconds_bucket{{ printf "{%s}" $in }}[5m])))
      > {{ $seconds }}
  summary: ecr-gate answers slowly
  description: 'One review in a hundred takes more than {{ "{{" }} $value | humanizeDuration }}; the API server waits {{ .Values.webhook.timeoutSeconds }} s.'
- alert: EcrGateImagesNotReady
  severity: warning
  # An image just pushed is refused a dozen times in its first minutes, and then no more. Those
  # that stay so are tried every 17 minutes each: two or three of them fill every window.
  for: 2h
  expr: |
    sum(increase(ecr_gate_verdicts_total{{ printf "{%s, door=\"webhook\", outcome=\"Pending\"}" $in }}[15m]))
      / sum(increase(ecr_gate_verdicts_total{{ printf "{%s, door=\"webhook\"}" $in }}[15m]))
      > {{ $rule.notReadyRatio | default 0.1 }}
  summary: images that pods want stay without a finished scan
  description: '{{ "{{" }} $value | humanizePercentage }} of the verdicts on pods are "image not ready", for two hours.'
- alert: EcrGateStaleFacts
  severity: warning
  for: 10m
  expr: |
    sum(rate(ecr_gate_scan_cache_total{{ printf "{%s, result=\"stale\"}" $in }}[5m])) > 0
  summary: ecr-gate judges by scans it could not refresh
  description: 'Images known to be clean are still let in. When the limit of that is reached they become "could not check".'
- alert: EcrGateCertificateExpiring
  severity: warning
  for: 1h
  expr: |
    min(ecr_gate_certificate_expiry_timestamp_seconds{{ printf "{%s}" $in }} > 0) - time() < {{ $rule.certificateExpiryDays }} * 86400
  summary: the serving certificate of ecr-gate expires soon
  description: 'In {{ "{{" }} $value | humanizeDuration }}. It should have been renewed before.'
- alert: EcrGateCertificateExpiryNear
  severity: critical
  for: 15m
  expr: |
    min(ecr_gate_certificate_expiry_timestamp_seconds{{ printf "{%s}" $in }} > 0) - time() < 2 * 86400
  summary: the serving certificate of ecr-gate expires within two days
  description: 'In {{ "{{" }} $value | humanizeDuration }}. After that the API server trusts no answer of it.'
- alert: EcrGateCertificateUnreadable
  severity: warning
  # Read every ten seconds. One failure is a look between a new certificate and its key.
  for: 10m
  expr: |
    sum(increase(certwatcher_read_certificate_errors_total{{ printf "{%s}" $in }}[5m])) > 0
  summary: ecr-gate cannot read its new serving certificate
  description: 'The last good one is served until it expires. A pod that starts anew may not come up.'
- alert: EcrGateReviewsUnjudged
  severity: warning
  for: 5m
  expr: |
    sum by (reason) (increase(ecr_gate_reviews_refused_total{{ printf "{%s}" $in }}[{{ $window }}])) > {{ $handful }}
  summary: ecr-gate refuses reviews without judging an image
  description: '{{ "{{" }} $value | humanize }} in half an hour, for {{ "{{" }} $labels.reason }}.'
{{- if include "ecr-gate.needsCluster" . }}
- alert: EcrGateAPIServerNotAnswering
  severity: warning
  for: 10m
  expr: |
    sum(increase(rest_client_requests_total{{ printf "{%s, code=\"<error>\"}" $in }}[10m])) > {{ $handful }}
  summary: ecr-gate does not reach the API server
  description: 'Labels of namespaces and its own certificate are as they were when it last did.'
{{- end }}
{{- end }}
{{- if include "ecr-gate.pipelineDoor" . }}
{{- $unreported := printf "ecr_gate_jobs_total{%s, result=~\"unreported|unacknowledged\"}" $in }}
- alert: EcrGateJobsUnreported
  severity: critical
  # The second part is for a counter that begins above zero: increase() sees no step there.
  expr: |
    sum(increase({{ $unreported }}[15m])) > 0
      or sum({{ $unreported }} unless {{ $unreported }} offset 15m) > 0
  summary: ecr-gate could not take a job from CodePipeline, or not report it
  description: 'Its action hangs until CodePipeline gives up, after 24 hours.'
{{- end }}
{{- if dig "exceptions" "files" list .Values.config }}
- alert: EcrGateExceptionsExpired
  severity: info
  for: 1h
  expr: |
    max(ecr_gate_exceptions{{ printf "{%s, state=\"expired\"}" $in }}) > 0
  summary: exceptions have expired
  description: '{{ "{{" }} $value }} no longer hold; the images they were for may be refused.'
- alert: EcrGateExceptionsExpiring
  severity: info
  for: 1h
  expr: |
    max(ecr_gate_exceptions{{ printf "{%s, state=\"expiring\"}" $in }}) > 0
  summary: exceptions expire within 14 days
  description: '{{ "{{" }} $value }} will no longer hold.'
{{- end }}
{{- end -}}
