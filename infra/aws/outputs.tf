output "queue_url" {
  description = "For `polydub watch --queue`."
  value       = aws_sqs_queue.uploads.url
}

output "dead_letter_queue_url" {
  description = "Where uploads end that could not be turned into a run."
  value       = aws_sqs_queue.dead.url
}

output "store" {
  description = "For POLYDUB_STORE."
  value       = "s3://${var.store_bucket}/${trimsuffix(var.store_prefix, "/")}"
}

output "kms_key_arn" {
  description = "For POLYDUB_S3_SSE_KMS_KEY_ID, with POLYDUB_S3_SSE=aws:kms; empty with S3's own keys."
  value       = local.uses_kms ? local.key_arn : ""
}

output "role_arns" {
  description = "Roles of the worker, the watcher, gc and whoever reads reports."
  value       = { for name, role in aws_iam_role.identity : name => role.arn }
}
