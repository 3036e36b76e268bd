{{/* The parts of the ValidatingWebhookConfiguration. */}}

{{/* Never judged: without these the cluster, or the gate itself, could not come back by itself. */}}
{{- define "ecr-gate.excludedNamespaces" -}}
{{- concat (list (include "ecr-gate.namespace" .) "kube-system" "kube-node-lease") .Values.namespaces.excludedExtra | uniq | toJson -}}
{{- end -}}

{{/* The chosen namespaces. */}}
{{- define "ecr-gate.chosenNamespaces" -}}
{{- $selector := dict -}}
{{- if include "ecr-gate.bySelector" . -}}
{{- $selector = .Values.namespaces.selector -}}
{{- else -}}
{{- $selector = dict "matchExpressions" (list (dict "key" "kubernetes.io/metadata.name" "operator" "In" "values" .Values.namespaces.names)) -}}
{{- end -}}
{{- $excluded := dict "key" "kubernetes.io/metadata.name" "operator" "NotIn" "values" (include "ecr-gate.excludedNamespaces" . | fromJsonArray) -}}
{{- $expressions := append (default list $selector.matchExpressions) $excluded -}}
{{- mergeOverwrite (deepCopy $selector) (dict "matchExpressions" $expressions) | toYaml -}}
{{- end -}}

{{/* The namespaces that asked for it by label, without those chosen by name: no pod is judged twice. */}}
{{- define "ecr-gate.labelledNamespaces" -}}
{{- $others := include "ecr-gate.excludedNamespaces" . | fromJsonArray -}}
{{- if not (include "ecr-gate.bySelector" .) -}}
{{- $others = concat $others .Values.namespaces.names | uniq -}}
{{- end -}}
matchExpressions:
- key: ecr-gate.dev/enforce
  operator: Exists
- key: kubernetes.io/metadata.name
  operator: NotIn
  values: {{ toJson $others }}
{{- end -}}

{{- define "ecr-gate.clientConfig" -}}
service:
  name: {{ include "ecr-gate.fullname" . }}
  namespace: {{ include "ecr-gate.namespace" . }}
  path: /validate
  port: 443
{{- if eq .Values.certs.mode "existing" }}
{{- $ca := .Values.certs.existing.caBundle | trim }}
caBundle: {{ if hasPrefix "-----BEGIN" $ca }}{{ printf "%s\n" $ca | b64enc }}{{ else }}{{ regexReplaceAll "\\s" $ca "" }}{{ end }}
{{- end }}
{{- end -}}

{{/* Pods, of the namespaces that the argument "selector" selects. */}}
{{- define "ecr-gate.podsWebhook" -}}
- name: {{ .name }}
  admissionReviewVersions: [v1]
  sideEffects: NoneOnDryRun
  matchPolicy: Equivalent
  failurePolicy: {{ .root.Values.webhook.failurePolicy }}
  timeoutSeconds: {{ .root.Values.webhook.timeoutSeconds }}
  clientConfig:
    {{- include "ecr-gate.clientConfig" .root | nindent 4 }}
  namespaceSelector:
    {{- .selector | nindent 4 }}
  {{- with .root.Values.webhook.objectSelector }}
  objectSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  rules:
  - apiGroups: [""]
    apiVersions: [v1]
    resources: [pods, pods/ephemeralcontainers]
    operations: [CREATE, UPDATE]
    scope: Namespaced
  matchConditions:
  {{- include "ecr-gate.specChanged" . | nindent 2 }}
  {{- with .root.Values.webhook.matchConditions }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* Templates of pods: whoever applies them is warned, so no failure here may stop anything. */}}
{{- define "ecr-gate.workloadsWebhook" -}}
- name: {{ .name }}
  admissionReviewVersions: [v1]
  sideEffects: NoneOnDryRun
  matchPolicy: Equivalent
  failurePolicy: Ignore
  timeoutSeconds: 5
  clientConfig:
    {{- include "ecr-gate.clientConfig" .root | nindent 4 }}
  namespaceSelector:
    {{- .selector | nindent 4 }}
  rules:
  - apiGroups: [apps]
    apiVersions: [v1]
    resources: [deployments, statefulsets, daemonsets, replicasets]
    operations: [CREATE, UPDATE]
    scope: Namespaced
  - apiGroups: [batch]
    apiVersions: [v1]
    resources: [jobs, cronjobs]
    operations: [CREATE, UPDATE]
    scope: Namespaced
  - apiGroups: [""]
    apiVersions: [v1]
    resources: [replicationcontrollers]
    operations: [CREATE, UPDATE]
    scope: Namespaced
  matchConditions:
  {{- include "ecr-gate.specChanged" . | nindent 2 }}
  # The ReplicaSet of a Deployment, the Job of a CronJob: its owner has been warned about.
  - name: not-controlled-by-another-object
    expression: >-
      !has(object.metadata.ownerReferences) ||
      !object.metadata.ownerReferences.exists(o, has(o.controller) && o.controller)
{{- end -}}

{{/* Someone labels a namespace: they are told which running pods would now be refused. */}}
{{- define "ecr-gate.namespacesWebhook" -}}
- name: namespaces.ecr-gate.dev
  admissionReviewVersions: [v1]
  sideEffects: NoneOnDryRun
  matchPolicy: Equivalent
  failurePolicy: Ignore
  timeoutSeconds: 5
  clientConfig:
    {{- include "ecr-gate.clientConfig" . | nindent 4 }}
  namespaceSelector:
    matchExpressions:
    - key: ecr-gate.dev/enforce
      operator: Exists
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values: {{ include "ecr-gate.excludedNamespaces" . }}
  rules:
  - apiGroups: [""]
    apiVersions: [v1]
    resources: [namespaces]
    operations: [CREATE, UPDATE]
    scope: Cluster
  matchConditions:
  - name: enforce-label-changed
    expression: >-
      request.operation == "CREATE" ||
      object.metadata.?labels[?"ecr-gate.dev/enforce"].orValue("") !=
      oldObject.metadata.?labels[?"ecr-gate.dev/enforce"].orValue("")
{{- end -}}

{{/* No image can have changed unless the spec has. An outage of the gate must not hold up finalizers,
     labels and annotations, or pods could not even be deleted. */}}
{{- define "ecr-gate.specChanged" -}}
- name: spec-changed
  expression: request.operation == "CREATE" || object.spec != oldObject.spec
{{- end -}}
