# Three buckets: what comes in, what goes out, and the artifact store. Sources and results keep their old versions;
# the store does not: its names are digests, nothing in it is ever overwritten, and what gc removes should be gone.

locals {
  buckets = {
    in    = var.in_bucket
    out   = var.out_bucket
    store = var.store_bucket
  }
  versioned = { for role, name in local.buckets : role => name if role != "store" }
  uses_kms  = var.create_kms_key || var.kms_key_arn != ""
  key_arn   = var.create_kms_key ? aws_kms_key.media[0].arn : var.kms_key_arn
}

resource "aws_s3_bucket" "media" {
  for_each = local.buckets
  bucket   = each.value

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_public_access_block" "media" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.media[each.key].id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "media" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.media[each.key].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "media" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.media[each.key].id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = local.uses_kms ? "aws:kms" : "AES256"
      kms_master_key_id = local.uses_kms ? local.key_arn : null
    }
    bucket_key_enabled = local.uses_kms
  }
}

resource "aws_s3_bucket_versioning" "media" {
  for_each = local.versioned
  bucket   = aws_s3_bucket.media[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "media" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.media[each.key].id

  rule {
    id     = "abort-unfinished-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = var.abort_multipart_days
    }
  }

  dynamic "rule" {
    for_each = contains(keys(local.versioned), each.key) ? [var.noncurrent_days] : []

    content {
      id     = "forget-old-versions"
      status = "Enabled"

      filter {}

      noncurrent_version_expiration {
        noncurrent_days = rule.value
      }
    }
  }

  dynamic "rule" {
    for_each = each.key == "store" && var.store_expiry_days > 0 ? [var.store_expiry_days] : []

    content {
      id     = "expire-artifacts"
      status = "Enabled"

      filter {
        prefix = var.store_prefix
      }

      expiration {
        days = rule.value
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.media]
}

data "aws_iam_policy_document" "only_by_tls" {
  for_each = local.buckets

  statement {
    sid       = "RefusePlainHttp"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.media[each.key].arn, "${aws_s3_bucket.media[each.key].arn}/*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "only_by_tls" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.media[each.key].id
  policy   = data.aws_iam_policy_document.only_by_tls[each.key].json

  depends_on = [aws_s3_bucket_public_access_block.media]
}
