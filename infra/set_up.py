"""Sets a fresh cluster up, and a running one right after an upgrade: `python infra/set_up.py --type process`.

Buckets (POLYDUB_BUCKETS, comma-separated; none on AWS, where Terraform makes them), work pools, the deployments of
prefect.yaml, automations. Each step changes only what differs, so it runs at every start. Reads PREFECT_API_URL,
PREFECT_API_AUTH_STRING and AWS_*. Exits 1 at the first step that fails, and says which.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str]) -> int:
    make_buckets([name for name in os.environ.get("POLYDUB_BUCKETS", "").split(",") if name])
    steps = (
        ["infra/create_pools.py", *arguments],
        ["-m", "prefect", "--no-prompt", "deploy", "--all"],
        ["infra/install_automations.py"],
    )
    for step in steps:
        if code := subprocess.run([sys.executable, *step], cwd=ROOT, check=False).returncode:
            print(f"set-up: `python {' '.join(step)}` failed with {code}", file=sys.stderr)
            return 1
    return 0


def make_buckets(names: list[str]) -> None:
    """Make the buckets that are not there."""
    if not names:
        return
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ClientError

    addressing = os.environ.get("POLYDUB_S3_ADDRESSING", "auto")
    s3 = boto3.client("s3", config=Config(s3={"addressing_style": addressing}))
    for name in names:
        try:
            s3.head_bucket(Bucket=name)
            print(f"bucket {name}: there")
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
                raise
            s3.create_bucket(Bucket=name)
            print(f"bucket {name}: made")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
