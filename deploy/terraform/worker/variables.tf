variable "identity" {
  description = "How the pods get the role: irsa or pod-identity."
  type        = string

  validation {
    condition     = contains(["irsa", "pod-identity"], var.identity)
    error_message = "identity is irsa or pod-identity."
  }
}

variable "oidc_provider" {
  description = "For irsa: the cluster's OIDC provider, registered in IAM, without https://, such as oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([a-z0-9.-]+/[A-Za-z0-9/_-]+)?$", var.oidc_provider))
    error_message = "oidc_provider is a host and a path, without https://."
  }
}

variable "cluster_name" {
  description = "For pod-identity: the cluster, with the add-on eks-pod-identity-agent."
  type        = string
  default     = ""
}

variable "namespace" {
  description = "Where the chart is installed."
  type        = string
  default     = "ecr-gate"
}

variable "service_account" {
  description = "The chart's service account."
  type        = string
  default     = "ecr-gate"
}

variable "repository_pattern" {
  description = "Which repositories of this account may be read, in any Region: a name, * for anything, such as shop/*"
  type        = string
  default     = "*"
}

variable "allow_start_scan" {
  description = "Whether basic scans may be started (startScan in a policy)."
  type        = bool
  default     = true
}

variable "enhanced_scanning" {
  description = "Whether enhanced scans (Amazon Inspector) may be read."
  type        = bool
  default     = true
}

variable "allow_doctor" {
  description = "Whether ecr-gate doctor may look at the scanning configuration."
  type        = bool
  default     = false
}

variable "assume_role_arns" {
  description = "Roles in the accounts of other registries (assumeRoleARN in the configuration): see the module registry-reader."
  type        = list(string)
  default     = []
}

variable "register_action_type" {
  description = "false: it is registered already, by ecr-gate action-type --register or elsewhere in this account and Region."
  type        = bool
  default     = true
}

variable "action_type_version" {
  description = "As in the configuration (pipeline.actionType). A version that was deleted cannot be used again."
  type        = string
  default     = "1"

  validation {
    condition     = can(regex("^[0-9A-Za-z_-]{1,9}$", var.action_type_version))
    error_message = "action_type_version has 1 to 9 letters, digits, hyphens and underscores."
  }
}
