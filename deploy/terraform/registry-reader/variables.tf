variable "gate_role_arns" {
  description = "The roles that ecr-gate runs with; output role_arn of the modules worker and lambda. They must exist."
  type        = list(string)
}

variable "role_name" {
  description = "So that the configuration can name the role before it exists."
  type        = string
  default     = "ecr-gate-read"

  validation {
    condition     = can(regex("^[0-9A-Za-z+=,.@_-]{1,64}$", var.role_name))
    error_message = "role_name has 1 to 64 letters, digits and +=,.@_-"
  }
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
