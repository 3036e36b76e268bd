variable "function_name" {
  type    = string
  default = "ecr-gate"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,64}$", var.function_name))
    error_message = "function_name has 1 to 64 letters, digits, hyphens and underscores."
  }
}

variable "code_bucket" {
  description = "Bucket of this Region that holds the zip."
  type        = string
}

variable "code_key" {
  description = "The zip: the program, named bootstrap, and ecr-gate.yaml if config_source is package."
  type        = string
  default     = "ecr-gate.zip"
}

variable "code_object_version" {
  description = "The zip's version, if the bucket keeps versions. Without it an update of the same key is not noticed."
  type        = string
  default     = ""
}

variable "architecture" {
  description = "What the program was built for (GOARCH arm64 or amd64)."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture is arm64 or x86_64."
  }
}

variable "config_source" {
  description = "Where the configuration is: nowhere (built-in, the built-in policy), or ecr-gate.yaml in the zip (package), among the SSM parameters under config_folder (ssm), or in config_bucket under config_folder (s3). Exception files are beside it."
  type        = string
  default     = "built-in"

  validation {
    condition     = contains(["built-in", "package", "ssm", "s3"], var.config_source)
    error_message = "config_source is built-in, package, ssm or s3."
  }
}

variable "config_folder" {
  description = "For ssm and s3: the folder, such as /ecr-gate. It is for the configuration alone: the function may read all of it."
  type        = string
  default     = "/ecr-gate"

  validation {
    condition     = can(regex("^(/[A-Za-z0-9_.-]+)+$", var.config_folder))
    error_message = "config_folder begins with a slash and does not end with one."
  }
}

variable "config_bucket" {
  description = "For s3: the bucket."
  type        = string
  default     = ""
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

variable "jobs_may_relax" {
  description = "Whether a job may choose Mode and Policy in its UserParameters. Pipeline variables are put into that text as they are, so whoever writes an image's name could add them."
  type        = bool
  default     = false
}

variable "assume_role_arns" {
  description = "Roles in the accounts of other registries (assumeRoleARN in the configuration): see the module registry-reader."
  type        = list(string)
  default     = []
}

variable "reserved_concurrency" {
  description = "How many invocations may run at a time, taken from the account's pool. -1 reserves none."
  type        = number
  default     = -1
}

variable "maximum_event_age" {
  description = "Seconds that an event may wait for the function. A job fails after 20 minutes without an answer."
  type        = number
  default     = 1200
}

variable "log_retention_days" {
  type    = number
  default = 30
}

variable "notify_topic" {
  description = "Judge each image whose scan has ended, and tell an SNS topic (made here) of those that are not allowed."
  type        = bool
  default     = false
}

variable "notify_event_bus" {
  description = "Judge each image whose scan has ended, and put every verdict on this event bus of the account: its name, such as default."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^[A-Za-z0-9_./-]*$", var.notify_event_bus))
    error_message = "notify_event_bus is the name of an event bus, not its ARN."
  }
}
