{{/* 90 % of the memory limit: the rest is for what the Go runtime does not count. */}}
{{- define "ecr-gate.goMemLimit" -}}
{{- $limit := dig "limits" "memory" "" (.Values.resources | default dict) | toString -}}
{{- $number := regexFind "^[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?" $limit -}}
{{- $bytes := dict "" 1 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 -}}
{{- $unit := trimPrefix $number $limit -}}
{{- if and $number (hasKey $bytes $unit) -}}
{{- with divf (mulf 0.9 (float64 $number) (get $bytes $unit)) 1048576 | floor | int64 }}{{ . }}MiB{{ end -}}
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
