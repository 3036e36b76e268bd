# An example pipeline: Source, Build (CodeBuild to ECR), Scan (ecr-gate), Deploy to EKS.
# What is built, judged and deployed is one digest. The gate itself comes from the module
# worker or lambda.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.region
}

resource "aws_ecr_repository" "repository" {
  name                 = var.repository_name
  image_tag_mutability = "IMMUTABLE"
}

# One for the account and Region: destroying it here sets the registry back to BASIC
# without a rule.
resource "aws_ecr_registry_scanning_configuration" "scanning" {
  count = var.registry_scanning == "unchanged" ? 0 : 1

  scan_type = var.registry_scanning

  rule {
    scan_frequency = var.registry_scanning == "ENHANCED" ? "CONTINUOUS_SCAN" : "SCAN_ON_PUSH"

    repository_filter {
      filter      = "*"
      filter_type = "WILDCARD"
    }
  }
}

resource "aws_s3_bucket" "artifacts" {
  bucket_prefix = "ecr-gate-artifacts-"
}

resource "aws_s3_bucket_server_side_encryption_configuration" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm = "aws:kms"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "artifacts" {
  bucket                  = aws_s3_bucket.artifacts.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_lifecycle_configuration" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id

  rule {
    id     = "expire"
    status = "Enabled"

    filter {}

    expiration {
      days = 90
    }
  }
}

resource "aws_s3_bucket_policy" "artifacts_by_tls" {
  bucket = aws_s3_bucket.artifacts.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "NothingInTheClear"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.artifacts.arn, "${aws_s3_bucket.artifacts.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}

resource "aws_cloudwatch_log_group" "build_logs" {
  name              = "/aws/codebuild/${var.pipeline_name}"
  retention_in_days = 30
}

resource "aws_iam_role" "build_role" {
  name_prefix = "ecr-gate-build-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "codebuild.amazonaws.com" }
      Action    = ["sts:AssumeRole"]
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "build" {
  name = "build"
  role = aws_iam_role.build_role.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "LogIn"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken"]
        Resource = "*"
      },
      {
        Sid    = "Push"
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability",
          "ecr:BatchGetImage",
          "ecr:CompleteLayerUpload",
          "ecr:GetDownloadUrlForLayer",
          "ecr:InitiateLayerUpload",
          "ecr:PutImage",
          "ecr:UploadLayerPart",
        ]
        Resource = aws_ecr_repository.repository.arn
      },
      {
        Sid      = "Artifacts"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
        Resource = "${aws_s3_bucket.artifacts.arn}/*"
      },
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws/codebuild/${var.pipeline_name}:*"
      },
    ]
  })
}

resource "aws_codebuild_project" "build" {
  name          = var.pipeline_name
  service_role  = aws_iam_role.build_role.arn
  build_timeout = 30

  artifacts {
    type = "CODEPIPELINE"
  }

  logs_config {
    cloudwatch_logs {
      status     = "ENABLED"
      group_name = aws_cloudwatch_log_group.build_logs.name
    }
  }

  environment {
    type            = "LINUX_CONTAINER"
    compute_type    = "BUILD_GENERAL1_SMALL"
    image           = "aws/codebuild/amazonlinux-x86_64-standard:5.0"
    privileged_mode = true # Docker

    environment_variable {
      name  = "REPOSITORY_URI"
      value = aws_ecr_repository.repository.repository_url
    }

    environment_variable {
      name  = "MANIFEST"
      value = var.manifest_file
    }
  }

  source {
    type      = "CODEPIPELINE"
    buildspec = <<-EOT
      version: 0.2
      env:
        shell: bash
        exported-variables: [ImageURI, ImageDigest]
      phases:
        build:
          on-failure: ABORT
          commands:
          - grep -q '[$]ImageURI' "$MANIFEST" || { echo "$MANIFEST does not hold \$ImageURI, so the image that is judged would not be the one deployed"; exit 1; }
          - if grep -E '^[ -]*"?image"?[ ]*[:]' "$MANIFEST" | grep -qvE 'image"?[ ]*[:][ ]*"?[$]ImageURI"?[ ]*$'; then echo "$MANIFEST names another image than \$ImageURI, which nobody would have judged"; exit 1; fi
          - aws ecr get-login-password | docker login --username AWS --password-stdin "$${REPOSITORY_URI%%/*}"
          - TAG="$${CODEBUILD_RESOLVED_SOURCE_VERSION:0:12}-$CODEBUILD_BUILD_NUMBER"
          - docker build --tag "$REPOSITORY_URI:$TAG" .
          - docker push "$REPOSITORY_URI:$TAG"
          - export ImageURI="$(docker inspect --format '{{index .RepoDigests 0}}' "$REPOSITORY_URI:$TAG")"
          - export ImageDigest="$${ImageURI#*@}"
          - mkdir .ecr-gate && sed "s|[$]ImageURI|$ImageURI|g" "$MANIFEST" > .ecr-gate/manifest.yaml
      artifacts:
        base-directory: .ecr-gate
        files: [manifest.yaml]
    EOT
  }
}

resource "aws_iam_role" "pipeline_role" {
  name_prefix = "ecr-gate-pipeline-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "codepipeline.amazonaws.com" }
      Action    = ["sts:AssumeRole"]
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "pipeline" {
  name = "pipeline"
  role = aws_iam_role.pipeline_role.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid      = "Source"
        Effect   = "Allow"
        Action   = ["codeconnections:UseConnection", "codestar-connections:UseConnection"]
        Resource = var.connection_arn
      }],
      [{
        Sid      = "Artifacts"
        Effect   = "Allow"
        Action   = ["s3:GetBucketVersioning", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
        Resource = [aws_s3_bucket.artifacts.arn, "${aws_s3_bucket.artifacts.arn}/*"]
      }],
      [{
        Sid      = "Build"
        Effect   = "Allow"
        Action   = ["codebuild:BatchGetBuilds", "codebuild:StartBuild"]
        Resource = aws_codebuild_project.build.arn
      }],
      # The custom action needs nothing here: its worker comes for the jobs.
      var.gate == "lambda" ? [
        {
          Sid      = "Scan"
          Effect   = "Allow"
          Action   = ["lambda:InvokeFunction"]
          Resource = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.function_name}"
        },
        {
          Sid      = "FindFunctions"
          Effect   = "Allow"
          Action   = ["lambda:ListFunctions"]
          Resource = "*"
        },
      ] : [],
      # What the EKS action asks for (CodePipeline user guide, action-reference-EKS).
      [{
        Sid      = "Deploy"
        Effect   = "Allow"
        Action   = ["eks:DescribeCluster"]
        Resource = "arn:${local.partition}:eks:${local.region}:${local.account}:cluster/${var.cluster_name}"
      }],
      [{
        Sid    = "DeployFromTheVpc"
        Effect = "Allow"
        Action = [
          "ec2:CreateNetworkInterface",
          "ec2:CreateNetworkInterfacePermission",
          "ec2:DeleteNetworkInterface",
          "ec2:DescribeDhcpOptions",
          "ec2:DescribeNetworkInterfaces",
          "ec2:DescribeRouteTables",
          "ec2:DescribeSecurityGroups",
          "ec2:DescribeSubnets",
          "ec2:DescribeVpcs",
        ]
        Resource = "*"
      }],
      [{
        Sid    = "DeployLogs"
        Effect = "Allow"
        Action = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = [
          "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws/codepipeline/${var.pipeline_name}",
          "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws/codepipeline/${var.pipeline_name}:*",
        ]
      }],
    )
  })
}

# The pipeline may change what is in the namespace, and nothing else.
resource "aws_eks_access_entry" "cluster_access" {
  cluster_name  = var.cluster_name
  principal_arn = aws_iam_role.pipeline_role.arn
}

resource "aws_eks_access_policy_association" "cluster_access" {
  cluster_name  = var.cluster_name
  principal_arn = aws_eks_access_entry.cluster_access.principal_arn
  policy_arn    = "arn:${local.partition}:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"

  access_scope {
    type       = "namespace"
    namespaces = [var.namespace]
  }
}

resource "aws_codepipeline" "pipeline" {
  name           = var.pipeline_name
  pipeline_type  = "V2"
  execution_mode = "QUEUED"
  role_arn       = aws_iam_role.pipeline_role.arn

  artifact_store {
    type     = "S3"
    location = aws_s3_bucket.artifacts.bucket
  }

  stage {
    name = "Source"

    action {
      name             = "Source"
      category         = "Source"
      owner            = "AWS"
      provider         = "CodeStarSourceConnection"
      version          = "1"
      output_artifacts = ["Source"]
      configuration = {
        ConnectionArn    = var.connection_arn
        FullRepositoryId = var.source_repository
        BranchName       = var.source_branch
      }
    }
  }

  stage {
    name = "Build"

    action {
      name             = "Build"
      namespace        = "Build"
      category         = "Build"
      owner            = "AWS"
      provider         = "CodeBuild"
      version          = "1"
      input_artifacts  = ["Source"]
      output_artifacts = ["Manifest"]
      configuration    = { ProjectName = aws_codebuild_project.build.name }
    }
  }

  stage {
    name = "Scan"

    action {
      name             = "EcrGate"
      namespace        = "Scan"
      category         = var.gate == "worker" ? "Test" : "Invoke"
      owner            = var.gate == "worker" ? "Custom" : "AWS"
      provider         = var.gate == "worker" ? "EcrGate" : "Lambda"
      version          = var.gate == "worker" ? var.action_type_version : "1"
      output_artifacts = ["ScanReport"]
      configuration = { for name, value in {
        Image          = var.gate == "worker" ? "#{Build.ImageURI}" : ""
        FunctionName   = var.gate == "lambda" ? var.function_name : ""
        UserParameters = var.gate == "lambda" ? jsonencode({ Image = "#{Build.ImageURI}" }) : ""
      } : name => value if value != "" }
    }
  }

  stage {
    name = "Deploy"

    action {
      name            = "Deploy"
      category        = "Deploy"
      owner           = "AWS"
      provider        = "EKS"
      version         = "1"
      input_artifacts = ["Manifest"]
      configuration = {
        ClusterName   = var.cluster_name
        Namespace     = var.namespace
        ManifestFiles = "manifest.yaml"
      }
    }
  }

  depends_on = [
    aws_eks_access_policy_association.cluster_access,
    aws_iam_role_policy.pipeline,
    aws_s3_bucket_policy.artifacts_by_tls,
  ]
}
