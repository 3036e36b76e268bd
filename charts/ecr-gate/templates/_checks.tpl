{{/* What the schema cannot say: each mistake ends in one sentence that names the mend. */}}
{{- define "ecr-gate.checks" -}}
{{- if not .Values.image.repository -}}
{{- fail "image.repository is required: say where the image is, for example --set image.repository=111122223333.dkr.ecr.eu-west-1.amazonaws.com/ecr-gate" -}}
{{- end -}}
{{- if not (or (include "ecr-gate.webhookDoor" .) (include "ecr-gate.pipelineDoor" .)) -}}
{{- fail "config opens no door: add webhook: {} or pipeline: {} to it" -}}
{{- end -}}
{{- if and (not .Values.serviceAccount.create) (not .Values.serviceAccount.name) -}}
{{- fail "serviceAccount.name is required with serviceAccount.create: false: the namespace's default account must not get the gate's rights" -}}
{{- end -}}
{{- include "ecr-gate.checkPorts" . -}}
{{- include "ecr-gate.checkEndpoints" . -}}
{{- include "ecr-gate.checkExceptions" . -}}
{{- if include "ecr-gate.webhookDoor" . -}}
{{- include "ecr-gate.checkNamespaces" . -}}
{{- include "ecr-gate.checkCerts" . -}}
{{- end -}}
{{- end -}}

{{/* The second to listen would find its port taken, and the process end. */}}
{{- define "ecr-gate.checkPorts" -}}
{{- $ports := list (list "metrics.port" .Values.metrics.port) (list "health.port" .Values.health.port) -}}
{{- if include "ecr-gate.webhookDoor" . -}}
{{- $ports = prepend $ports (list "webhook.port" .Values.webhook.port) -}}
{{- end -}}
{{- $taken := dict -}}
{{- range $ports -}}
{{- $name := index . 0 -}}
{{- $port := index . 1 | int | toString -}}
{{- with get $taken $port -}}
{{- fail (printf "%s and %s are both %s: give each a port of its own" . $name $port) -}}
{{- end -}}
{{- $_ := set $taken $port $name -}}
{{- end -}}
{{- end -}}

{{/* The AWS SDK would refuse every call, and say so only then. */}}
{{- define "ecr-gate.checkEndpoints" -}}
{{- range $.Values.extraEnv -}}
{{- if and (hasPrefix "AWS_ENDPOINT_URL" .name) (or $.Values.aws.useFIPS $.Values.aws.useDualStack) -}}
{{- fail (printf "extraEnv has %s, and aws.useFIPS or aws.useDualStack is true: the AWS SDK takes one or the other, so drop one" .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "ecr-gate.checkExceptions" -}}
{{- $named := dig "exceptions" "files" list .Values.config -}}
{{- range $named -}}
{{- if not (or (isAbs .) (hasKey $.Values.exceptionFiles .)) -}}
{{- fail (printf "config.exceptions.files names %s, which exceptionFiles does not have: add it there, or mount it with extraVolumes and name its absolute path" .) -}}
{{- end -}}
{{- end -}}
{{- if hasKey .Values.exceptionFiles "config.yaml" -}}
{{- fail "exceptionFiles has config.yaml, which is the configuration itself: name the file otherwise" -}}
{{- end -}}
{{- range $name, $_ := .Values.exceptionFiles -}}
{{- if not (has $name $named) -}}
{{- fail (printf "exceptionFiles has %s, which config.exceptions.files does not name, so it would excuse nothing: name it there" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "ecr-gate.checkNamespaces" -}}
{{- if not (or .Values.namespaces.names (include "ecr-gate.bySelector" .) (include "ecr-gate.labelled" .)) -}}
{{- fail "no namespace would be covered: set namespaces.names, namespaces.selector or namespaces.labelled (which needs config.webhook.namespaceLabels)" -}}
{{- end -}}
{{- if not (include "ecr-gate.bySelector" .) -}}
{{- range .Values.namespaces.names -}}
{{- if has . (include "ecr-gate.excludedNamespaces" $ | fromJsonArray) -}}
{{- fail (printf "namespaces.names has %s, which is always excluded: take it out" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "ecr-gate.checkCerts" -}}
{{- if eq .Values.certs.mode "existing" -}}
{{- if not (and .Values.certs.existing.secretName .Values.certs.existing.caBundle) -}}
{{- fail "certs.mode existing needs certs.existing.secretName and certs.existing.caBundle" -}}
{{- end -}}
{{- end -}}
{{- if eq .Values.certs.mode "certManager" -}}
{{- with .Values.certs.certManager -}}
{{- if le (include "ecr-gate.milliseconds" .duration | int64) (include "ecr-gate.milliseconds" .renewBefore | int64) -}}
{{- fail (printf "certs.certManager.duration is %s and renewBefore %s: cert-manager renews no certificate before it begins, so make duration the longer one" .duration .renewBefore) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A duration as Go writes it, such as 2160h or 1h30m. */}}
{{- define "ecr-gate.milliseconds" -}}
{{- $units := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 -}}
{{- $sum := 0 -}}
{{- range regexFindAll "[0-9]+(ms|s|m|h)" . -1 -}}
{{- $unit := regexFind "[a-z]+" . -}}
{{- $sum = add $sum (mul (trimSuffix $unit . | int64) (get $units $unit)) -}}
{{- end -}}
{{- $sum -}}
{{- end -}}
