output "role_arn" {
  description = "With irsa, the chart's serviceAccount.annotations: eks.amazonaws.com/role-arn"
  value       = aws_iam_role.role.arn
}
