variable "name" {
  description = "Begins the name of everything made here; letters, digits and hyphens."
  type        = string
  default     = "polydub"

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,30}$", var.name))
    error_message = "name: 2 to 31 lower-case letters, digits and hyphens."
  }
}

variable "region" {
  description = "AWS region of the buckets and the queue."
  type        = string
}

variable "tags" {
  description = "Further tags on every resource."
  type        = map(string)
  default     = {}
}

variable "in_bucket" {
  description = "Bucket that videos are uploaded to. Bucket names are unique in the whole world."
  type        = string
}

variable "out_bucket" {
  description = "Bucket that dubbed videos, subtitles and reports are written to."
  type        = string
}

variable "store_bucket" {
  description = "Bucket of the artifact store (POLYDUB_STORE)."
  type        = string
}

variable "in_prefix" {
  description = "The only part of in_bucket that polydub may read, e.g. incoming/. Empty: all of it."
  type        = string
  default     = ""
}

variable "out_prefix" {
  description = "The only part of out_bucket that polydub may write, e.g. dubs/. Empty: all of it."
  type        = string
  default     = ""
}

variable "store_prefix" {
  description = "The only part of store_bucket that polydub may touch, e.g. store/. Empty: all of it."
  type        = string
  default     = "store/"
}

variable "watched_prefixes" {
  description = "An object created under one of these starts a run. They must lie within in_prefix."
  type        = list(string)
  default     = ["incoming/"]

  validation {
    condition     = length(var.watched_prefixes) > 0 && alltrue([for prefix in var.watched_prefixes : startswith(prefix, var.in_prefix)])
    error_message = "watched_prefixes: at least one, and each must begin with in_prefix."
  }
}

variable "visibility_timeout_s" {
  description = "How long a received event is hidden from other watchers; the watcher extends it while it works."
  type        = number
  default     = 120
}

variable "max_receive_count" {
  description = "How often an event is tried before it goes to the dead-letter queue."
  type        = number
  default     = 5
}

variable "abort_multipart_days" {
  description = "Days after which an upload that was never finished is removed. Keep it over the longest run."
  type        = number
  default     = 7
}

variable "noncurrent_days" {
  description = "Days that an overwritten or deleted source or result can be brought back."
  type        = number
  default     = 30
}

variable "store_expiry_days" {
  description = "Days after which anything in the store is removed, used or not. 0: never; `polydub store gc` knows what is used."
  type        = number
  default     = 0
}

variable "create_kms_key" {
  description = "Make a KMS key and encrypt the buckets with it. Otherwise kms_key_arn, and without that S3's own keys."
  type        = bool
  default     = false
}

variable "kms_key_arn" {
  description = "A KMS key of yours for the buckets. Its key policy must let this account's IAM policies decide."
  type        = string
  default     = ""
}

variable "trusted_services" {
  description = "Services that may take the roles on: ecs-tasks.amazonaws.com, ec2.amazonaws.com, pods.eks.amazonaws.com."
  type        = list(string)
  default     = ["ecs-tasks.amazonaws.com"]
}

variable "alarm_topic_arn" {
  description = "SNS topic told when the dead-letter queue is not empty or an event waits too long. Empty: no alarms."
  type        = string
  default     = ""
}
