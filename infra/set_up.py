"""Sets a fresh cluster up, and a running one right after an upgrade: `python infra/set_up.py --type process`.

Buckets (POLYDUB_BUCKETS, comma-separated; none on AWS, where Terraform makes them), work pools, the deployments of
prefect.yaml, automations. Each step changes only what differs, so it runs at every start. prefect.yaml names the one
pool of a laptop; here dub-title/title goes to POLYDUB_TITLE_POOL (default: polydub-cpu) and all else to polydub-cpu.
Reads PREFECT_API_URL, PREFECT_API_AUTH_STRING and AWS_*. Exits 1 at the first step that fails, and says which.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CPU_POOL = "polydub-cpu"
TITLES = ("dub-title", "title")
"""Flow and deployment of the runs that a GPU is worth having for."""


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
    assign_pools(os.environ.get("POLYDUB_TITLE_POOL") or CPU_POOL)
    return 0


def assign_pools(title_pool: str) -> None:
    """Every deployment of prefect.yaml onto a pool that a worker here serves."""
    import yaml
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import DeploymentUpdate

    ours = {each["name"] for each in yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]}
    with get_client(sync_client=True) as client:
        for deployment in client.read_deployments():
            if deployment.name not in ours:
                continue
            flow = client.read_flow(deployment.flow_id).name
            pool = title_pool if (flow, deployment.name) == TITLES else CPU_POOL
            if deployment.work_pool_name != pool:
                client.update_deployment(deployment.id, DeploymentUpdate(work_pool_name=pool))
            print(f"deployment {flow}/{deployment.name}: on {pool}")


def make_buckets(names: list[str]) -> None:
    """Make the buckets that are not there."""
    if not names:
        return
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ClientError

    addressing = os.environ.get("POLYDUB_S3_ADDRESSING", "auto")
    s3 = boto3.Session().client("s3", config=Config(s3={"addressing_style": addressing}))
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
