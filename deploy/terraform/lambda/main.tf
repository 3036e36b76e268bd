# ecr-gate as a Lambda function: the gate of a pipeline's Invoke action and, if wanted, the
# one that tells people of images whose new scan is over policy.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account      = data.aws_caller_identity.current.account_id
  partition    = data.aws_partition.current.partition
  region       = data.aws_region.current.region
  repositories = "arn:${local.partition}:ecr:*:${local.account}:repository/${var.repository_pattern}"

  config = {
    built-in = ""
    package  = "/var/task/ecr-gate.yaml"
    ssm      = "ssm:${var.config_folder}/ecr-gate.yaml"
    s3       = "s3://${var.config_bucket}${var.config_folder}/ecr-gate.yaml"
  }
  config_folder = {
    ssm = { action = "ssm:GetParameter", arn = "arn:${local.partition}:ssm:${local.region}:${local.account}:parameter${var.config_folder}/*" }
    s3  = { action = "s3:GetObject", arn = "arn:${local.partition}:s3:::${var.config_bucket}${var.config_folder}/*" }
  }
  notify = var.notify_topic || var.notify_event_bus != ""
}

resource "aws_lambda_function" "function" {
  function_name                  = var.function_name
  description                    = "Judges container images by their ECR scan"
  runtime                        = "provided.al2023"
  handler                        = "bootstrap"
  architectures                  = [var.architecture]
  s3_bucket                      = var.code_bucket
  s3_key                         = var.code_key
  s3_object_version              = var.code_object_version != "" ? var.code_object_version : null
  role                           = aws_iam_role.role.arn
  timeout                        = 60
  memory_size                    = 256
  reserved_concurrent_executions = var.reserved_concurrency

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.logs.name
  }

  environment {
    variables = { for name, value in {
      ECR_GATE_CONFIG    = local.config[var.config_source]
      ECR_GATE_ENFORCE   = var.jobs_may_relax ? "false" : "true"
      ECR_GATE_TOPIC_ARN = var.notify_topic ? aws_sns_topic.topic[0].arn : ""
      ECR_GATE_EVENT_BUS = var.notify_event_bus
    } : name => value if value != "" }
  }

  lifecycle {
    precondition {
      condition     = var.config_source != "s3" || var.config_bucket != ""
      error_message = "config_source is s3: set config_bucket."
    }
  }
}

# Events come asynchronously. The function returns an error only where nothing could be
# reported, so another try is right, but not for longer than anybody waits.
resource "aws_lambda_function_event_invoke_config" "retries" {
  function_name                = aws_lambda_function.function.function_name
  qualifier                    = "$LATEST"
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = var.maximum_event_age
}

resource "aws_cloudwatch_log_group" "logs" {
  name              = "/aws/lambda/${var.function_name}"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "role" {
  name_prefix = "ecr-gate-"
  description = "The Lambda function of ecr-gate"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = ["sts:AssumeRole"]
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
      [{
        Sid      = "ReportOnJobs"
        Effect   = "Allow"
        Action   = ["codepipeline:PutJobFailureResult", "codepipeline:PutJobSuccessResult"]
        Resource = "*" # these know no resource
      }],
      length(var.assume_role_arns) > 0 ? [{
        Sid      = "ReadOtherRegistries"
        Effect   = "Allow"
        Action   = ["sts:AssumeRole"]
        Resource = var.assume_role_arns
      }] : [],
      [for source, folder in local.config_folder : {
        Sid      = "ReadConfiguration"
        Effect   = "Allow"
        Action   = [folder.action]
        Resource = folder.arn
      } if source == var.config_source],
      [for topic in aws_sns_topic.topic : {
        Sid      = "NotifyPeople"
        Effect   = "Allow"
        Action   = ["sns:Publish"]
        Resource = topic.arn
      }],
      var.notify_event_bus != "" ? [{
        Sid      = "NotifyMachines"
        Effect   = "Allow"
        Action   = ["events:PutEvents"]
        Resource = "arn:${local.partition}:events:${local.region}:${local.account}:event-bus/${var.notify_event_bus}"
      }] : [],
      [{
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws/lambda/${var.function_name}:*"
      }],
    )
  })
}

resource "aws_sns_topic" "topic" {
  count = var.notify_topic ? 1 : 0

  name_prefix  = "ecr-gate-"
  display_name = "Container images that are not allowed"
  # AWS's own key: principals of this account that may publish may use it.
  kms_master_key_id = "alias/aws/sns"
}

resource "aws_cloudwatch_event_rule" "scan_ended" {
  count = local.notify ? 1 : 0

  name_prefix = "ecr-gate-"
  description = "The scan of an image has ended"
  event_pattern = jsonencode({
    source      = ["aws.ecr", "aws.inspector2"]
    detail-type = ["ECR Image Scan", "Inspector2 Scan"]
  })
}

resource "aws_cloudwatch_event_target" "scan_ended" {
  count = local.notify ? 1 : 0

  rule      = aws_cloudwatch_event_rule.scan_ended[0].name
  target_id = "ecr-gate"
  arn       = aws_lambda_function.function.arn
}

# The only one who may call the function beside the roles that are allowed to.
resource "aws_lambda_permission" "scan_ended_may_invoke" {
  count = local.notify ? 1 : 0

  function_name = aws_lambda_function.function.function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.scan_ended[0].arn
}
