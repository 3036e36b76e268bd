output "pipeline" {
  value = aws_codepipeline.pipeline.name
}

output "repository_uri" {
  value = aws_ecr_repository.repository.repository_url
}
