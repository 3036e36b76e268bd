{{/* 90 % of the memory limit: the rest is for what the Go runtime does not count. */}}
{{- define "ecr-gate.goMemLimit" -}}
{{- $limit := dig "limits" "memory" "" .Values.resources | toString -}}
{{- if regexMatch "^[0-9]+Mi$" $limit -}}
{{- div (mul 9 (trimSuffix "Mi" $limit | int64)) 10 }}MiB
{{- else if regexMatch "^[0-9]+Gi$" $limit -}}
{{- div (mul 9 1024 (trimSuffix "Gi" $limit | int64)) 10 }}MiB
{{- end -}}
{{- end -}}

{{/* The chart's variables, but for those that extraEnv has: a name twice is refused by server-side apply. */}}
{{- define "ecr-gate.environment" -}}
{{- $own := dict
  "GOMEMLIMIT" (include "ecr-gate.goMemLimit" .)
  "AWS_REGION" .Values.aws.region
  "AWS_USE_FIPS_ENDPOINT" (ternary "true" "" .Values.aws.useFIPS)
  "AWS_USE_DUALSTACK_ENDPOINT" (ternary "true" "" .Values.aws.useDualStack) -}}
{{- range .Values.extraEnv }}
{{- $_ := unset $own .name }}
{{- end }}
{{- $variables := list }}
{{- range $name, $value := $own }}
{{- if $value }}
{{- $variables = append $variables (dict "name" $name "value" $value) }}
{{- end }}
{{- end }}
{{- with concat $variables .Values.extraEnv }}
{{- toYaml . }}
{{- end }}
{{- end -}}
