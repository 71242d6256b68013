region           = "eu-central-1"
in_bucket        = "example-polydub-in"
out_bucket       = "example-polydub-out"
store_bucket     = "example-polydub-store"
watched_prefixes = ["incoming/", "urgent/"]
create_kms_key   = true
