output "role_arn" {
  description = "For aws.registries[].assumeRoleARN, and for assume_role_arns of the modules worker and lambda."
  value       = aws_iam_role.role.arn
}
