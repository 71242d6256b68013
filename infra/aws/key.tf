resource "aws_kms_key" "media" {
  count = var.create_kms_key ? 1 : 0

  description             = "${var.name}: sources, results and artifacts"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  # No policy of its own: the default one lets the account's IAM policies decide, and ours name this key alone.
}

resource "aws_kms_alias" "media" {
  count = var.create_kms_key ? 1 : 0

  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.media[0].key_id
}
