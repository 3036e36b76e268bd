# ecr-gate in EKS: the CodePipeline action type whose jobs it takes, and the IAM role of
# its pods, by IRSA or by EKS Pod Identity. Once for each account and Region.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account      = data.aws_caller_identity.current.account_id
  partition    = data.aws_partition.current.partition
  region       = data.aws_region.current.region
  repositories = "arn:${local.partition}:ecr:*:${local.account}:repository/${var.repository_pattern}"

  # What `ecr-gate action-type` prints.
  properties = {
    Image       = "Full image URI, by tag or digest; may be a pipeline variable"
    Repository  = "ECR repository name; needs ImageDigest or ImageTag"
    ImageDigest = "Digest of the image in Repository, sha256:..."
    ImageTag    = "Tag of the image in Repository, if there is no ImageDigest"
    RegistryId  = "Account of the registry; default: the pipeline's account"
    Region      = "Region of the registry; default: the pipeline's Region"
    File        = "File of the input artifact to read; default: imageDetail.json and imagedefinitions.json"
    Policy      = "Name of the ecr-gate policy; default: the first that matches"
    Mode        = "enforce (default) or warn: report, but do not fail"
    MaxWait     = "Minutes to wait for the scan; default: as ecr-gate is configured"
  }
}

resource "aws_codepipeline_custom_action_type" "action_type" {
  count = var.register_action_type ? 1 : 0

  category      = "Test"
  provider_name = "EcrGate"
  version       = var.action_type_version

  input_artifact_details {
    minimum_count = 0
    maximum_count = 5
  }

  output_artifact_details {
    minimum_count = 0
    maximum_count = 1
  }

  settings {
    execution_url_template = "https://console.aws.amazon.com/ecr/repositories/{ExternalExecutionId}"
  }

  dynamic "configuration_property" {
    for_each = local.properties

    content {
      name        = configuration_property.key
      description = configuration_property.value
      type        = "String"
      key         = false
      required    = false
      secret      = false
    }
  }
}

locals {
  trust = {
    irsa = {
      Effect    = "Allow"
      Principal = { Federated = "arn:${local.partition}:iam::${local.account}:oidc-provider/${var.oidc_provider}" }
      Action    = ["sts:AssumeRoleWithWebIdentity"]
      Condition = { StringEquals = {
        "${var.oidc_provider}:aud" = "sts.amazonaws.com"
        "${var.oidc_provider}:sub" = "system:serviceaccount:${var.namespace}:${var.service_account}"
      } }
    }
    pod-identity = {
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Condition = { StringEquals = {
        "aws:SourceAccount"                         = local.account
        "aws:RequestTag/eks-cluster-name"           = var.cluster_name
        "aws:RequestTag/kubernetes-namespace"       = var.namespace
        "aws:RequestTag/kubernetes-service-account" = var.service_account
      } }
    }
  }
}

resource "aws_iam_role" "role" {
  name_prefix = "ecr-gate-"
  description = "The pods of ecr-gate"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [local.trust[var.identity]]
  })

  lifecycle {
    precondition {
      condition     = var.identity != "irsa" || var.oidc_provider != ""
      error_message = "identity is irsa: set oidc_provider."
    }

    precondition {
      condition     = var.identity != "pod-identity" || var.cluster_name != ""
      error_message = "identity is pod-identity: set cluster_name."
    }
  }
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
      [{
        Sid      = "PollForJobs"
        Effect   = "Allow"
        Action   = ["codepipeline:PollForJobs"]
        Resource = "arn:${local.partition}:codepipeline:${local.region}:${local.account}:actiontype:Custom/Test/EcrGate/${var.action_type_version}"
      }],
      [{
        Sid      = "ReportOnJobs"
        Effect   = "Allow"
        Action   = ["codepipeline:AcknowledgeJob", "codepipeline:PutJobFailureResult", "codepipeline:PutJobSuccessResult"]
        Resource = "*" # these know no resource
      }],
      # Pod Identity's session tags go along into the other role.
      length(var.assume_role_arns) > 0 ? [{
        Sid      = "ReadOtherRegistries"
        Effect   = "Allow"
        Action   = concat(["sts:AssumeRole"], var.identity == "pod-identity" ? ["sts:TagSession"] : [])
        Resource = var.assume_role_arns
      }] : [],
      var.allow_doctor ? [{
        Sid    = "Doctor"
        Effect = "Allow"
        Action = [
          "codepipeline:ListActionTypes",
          "ecr:BatchGetRepositoryScanningConfiguration",
          "ecr:GetRegistryScanningConfiguration",
          "inspector2:ListCoverage",
        ]
        Resource = "*"
      }] : [],
    )
  })
}

resource "aws_eks_pod_identity_association" "association" {
  count = var.identity == "pod-identity" ? 1 : 0

  cluster_name    = var.cluster_name
  namespace       = var.namespace
  service_account = var.service_account
  role_arn        = aws_iam_role.role.arn
}
