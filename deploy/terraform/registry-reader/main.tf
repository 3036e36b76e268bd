# The role by which ecr-gate reads the registry of another account:
# aws.registries[].assumeRoleARN in its configuration. Apply it in the account that owns
# the registry. With enhanced scanning there is no other way.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  account      = data.aws_caller_identity.current.account_id
  partition    = data.aws_partition.current.partition
  repositories = "arn:${local.partition}:ecr:*:${local.account}:repository/${var.repository_pattern}"
}

resource "aws_iam_role" "role" {
  name        = var.role_name
  description = "ecr-gate of another account reads images and scans"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = var.gate_role_arns }
      # TagSession: a session of EKS Pod Identity takes its tags along.
      Action = ["sts:AssumeRole", "sts:TagSession"]
    }]
  })
}

resource "aws_iam_role_policy" "policy" {
  name = "ecr-gate"
  role = aws_iam_role.role.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid      = "ReadImagesAndScans"
        Effect   = "Allow"
        Action   = ["ecr:BatchGetImage", "ecr:DescribeImageScanFindings"]
        Resource = local.repositories
      }],
      var.allow_start_scan ? [{
        Sid      = "StartScans"
        Effect   = "Allow"
        Action   = ["ecr:StartImageScan"]
        Resource = local.repositories
      }] : [],
      # ECR asks Inspector in the caller's name.
      var.enhanced_scanning ? [{
        Sid      = "ReadEnhancedScans"
        Effect   = "Allow"
        Action   = ["inspector2:ListCoverage", "inspector2:ListFindings"]
        Resource = "*"
      }] : [],
      var.allow_doctor ? [{
        Sid    = "Doctor"
        Effect = "Allow"
        Action = [
          "ecr:BatchGetRepositoryScanningConfiguration",
          "ecr:GetRegistryScanningConfiguration",
          "inspector2:ListCoverage",
        ]
        Resource = "*"
      }] : [],
    )
  })
}
