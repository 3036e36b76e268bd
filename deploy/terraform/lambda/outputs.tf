output "function_name" {
  description = "For the Invoke action, and function_name of the module example-pipeline."
  value       = aws_lambda_function.function.function_name
}

output "role_arn" {
  description = "For gate_role_arns of the module registry-reader."
  value       = aws_iam_role.role.arn
}

output "topic_arn" {
  description = "Null without notify_topic."
  value       = var.notify_topic ? aws_sns_topic.topic[0].arn : null
}
