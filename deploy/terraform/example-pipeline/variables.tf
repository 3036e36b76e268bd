variable "gate" {
  description = "What does the Scan stage: ecr-gate's job worker (module worker) or its Lambda function (module lambda)."
  type        = string

  validation {
    condition     = contains(["worker", "lambda"], var.gate)
    error_message = "gate is worker or lambda."
  }
}

variable "registry_scanning" {
  description = "The scanning rule of the registry, which is one for the account and Region: BASIC or ENHANCED takes the place of whatever rule there is, for all repositories, and earlier results of the other type disappear. unchanged: leave it."
  type        = string

  validation {
    condition     = contains(["BASIC", "ENHANCED", "unchanged"], var.registry_scanning)
    error_message = "registry_scanning is BASIC, ENHANCED or unchanged."
  }
}

variable "connection_arn" {
  description = "A connection to the source's host, made and confirmed in the console (Developer Tools, Connections)."
  type        = string
}

variable "source_repository" {
  description = "Such as company/shop-web. It holds a Dockerfile at the top."
  type        = string
}

variable "source_branch" {
  type    = string
  default = "main"
}

variable "pipeline_name" {
  type    = string
  default = "ecr-gate-example"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,60}$", var.pipeline_name))
    error_message = "pipeline_name has 1 to 60 letters, digits, hyphens and underscores."
  }
}

variable "repository_name" {
  description = "The ECR repository, made here."
  type        = string
  default     = "ecr-gate-example"
}

variable "cluster_name" {
  description = "The EKS cluster. Its authentication mode must allow access entries (API, or API_AND_CONFIG_MAP)."
  type        = string
}

variable "namespace" {
  type    = string
  default = "dev"
}

variable "manifest_file" {
  description = "The Kubernetes manifest in the source, with image: $ImageURI"
  type        = string
  default     = "k8s/deployment.yaml"
}

variable "function_name" {
  description = "For lambda: the function."
  type        = string
  default     = "ecr-gate"
}

variable "action_type_version" {
  description = "For worker: the version of the action type."
  type        = string
  default     = "1"
}
