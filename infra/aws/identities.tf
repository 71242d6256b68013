# Four identities, each with what it needs: the worker never deletes, gc deletes in the store alone, the watcher reads
# uploads and works one queue, whoever reads reports reads results. The policies are files, for other S3 servers too.

locals {
  names_in_policies = {
    partition    = data.aws_partition.here.partition
    in_bucket    = var.in_bucket
    in_prefix    = var.in_prefix
    out_bucket   = var.out_bucket
    out_prefix   = var.out_prefix
    store_bucket = var.store_bucket
    store_prefix = var.store_prefix
    queue_arn    = aws_sqs_queue.uploads.arn
    key_arn      = local.key_arn
    dns_suffix   = data.aws_partition.here.dns_suffix
  }
  identities = {
    worker  = { policies = ["worker"], key = "key_write" }
    watcher = { policies = ["watcher", "queue"], key = "key_read" }
    gc      = { policies = ["gc"], key = "key_read" }
    report  = { policies = ["report"], key = "key_read" }
  }
  attached = merge([
    for identity, needs in local.identities : {
      for policy in concat(needs.policies, local.uses_kms ? [needs.key] : []) :
      "${identity}-${policy}" => { identity = identity, policy = policy }
    }
  ]...)
}

data "aws_iam_policy_document" "trust" {
  statement {
    effect  = "Allow"
    actions = ["sts:AssumeRole", "sts:TagSession"]

    principals {
      type        = "Service"
      identifiers = var.trusted_services
    }

    condition {
      test     = "StringEqualsIfExists" # EC2 names no account
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.here.account_id]
    }
  }
}

resource "aws_iam_role" "identity" {
  for_each = local.identities

  name                 = "${var.name}-${each.key}"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = 12 * 3600 # a long title's upload must not lose its credentials
}

resource "aws_iam_role_policy" "identity" {
  for_each = local.attached

  name   = each.value.policy
  role   = aws_iam_role.identity[each.value.identity].id
  policy = templatefile("${path.module}/policies/${each.value.policy}.json", local.names_in_policies)
}
