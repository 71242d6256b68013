# Object created under a watched prefix -> EventBridge -> queue -> `polydub watch --queue`. What fails max_receive_count
# times, and what EventBridge cannot deliver, is kept 14 days in the dead-letter queue.

resource "aws_sqs_queue" "dead" {
  name                      = "${var.name}-uploads-dead"
  message_retention_seconds = 14 * 24 * 3600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue" "uploads" {
  name                       = "${var.name}-uploads"
  visibility_timeout_seconds = var.visibility_timeout_s
  receive_wait_time_seconds  = 20
  message_retention_seconds  = 14 * 24 * 3600 # the buffer while the watcher holds back or is down
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = var.max_receive_count
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  queue_url = aws_sqs_queue.dead.id

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.uploads.arn]
  })
}

resource "aws_s3_bucket_notification" "uploads" {
  bucket      = aws_s3_bucket.media["in"].id
  eventbridge = true
}

resource "aws_cloudwatch_event_rule" "uploads" {
  name        = "${var.name}-uploads"
  description = "Something was put under a watched prefix"

  event_pattern = jsonencode({
    source        = ["aws.s3"]
    "detail-type" = ["Object Created"]
    detail = {
      bucket = { name = [var.in_bucket] }
      # Whatever comes there: which of it is a video, and which a video's settings, is the watcher's to say.
      object = { key = [for prefix in var.watched_prefixes : { prefix = prefix }] }
    }
  })
}

resource "aws_cloudwatch_event_target" "uploads" {
  rule = aws_cloudwatch_event_rule.uploads.name
  arn  = aws_sqs_queue.uploads.arn

  dead_letter_config {
    arn = aws_sqs_queue.dead.arn
  }
}

data "aws_iam_policy_document" "from_the_rule" {
  for_each = {
    uploads = aws_sqs_queue.uploads.arn
    dead    = aws_sqs_queue.dead.arn
  }

  statement {
    sid       = "OnlyTheRuleMaySend"
    effect    = "Allow"
    actions   = ["sqs:SendMessage"]
    resources = [each.value]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudwatch_event_rule.uploads.arn]
    }
  }
}

resource "aws_sqs_queue_policy" "uploads" {
  queue_url = aws_sqs_queue.uploads.id
  policy    = data.aws_iam_policy_document.from_the_rule["uploads"].json
}

resource "aws_sqs_queue_policy" "dead" {
  queue_url = aws_sqs_queue.dead.id
  policy    = data.aws_iam_policy_document.from_the_rule["dead"].json
}

resource "aws_cloudwatch_metric_alarm" "dead" {
  count = var.alarm_topic_arn == "" ? 0 : 1

  alarm_name          = "${var.name}-dead-letters"
  alarm_description   = "An upload could not be turned into a run: docs/runbook.md, the dead-letter queue fills"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead.name }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarm_topic_arn]
}

resource "aws_cloudwatch_metric_alarm" "waiting" {
  count = var.alarm_topic_arn == "" ? 0 : 1

  alarm_name          = "${var.name}-uploads-waiting"
  alarm_description   = "An upload has waited four hours for a run: is the watcher up, are the work pools full?"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.uploads.name }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 4 * 3600
  period              = 300
  evaluation_periods  = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarm_topic_arn]
}
