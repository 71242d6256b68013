"""Makes the secrets that infra/compose.yaml needs: `python infra/make_secrets.py` (plain Python, no package needed).

They go to infra/secrets (git ignores it), a folder that only its owner can enter; the files in it are readable to all,
because the containers that they are mounted into run as users of their own. Nothing that is there is changed: delete a
file, and its partner, to have it made anew. On AWS none of this is needed but Prefect's: roles take its place.

| file | who reads it |
|---|---|
| postgres_password | Postgres |
| prefect_server.env | the Prefect server: the database's password, and what clients must show |
| prefect_client.env | everything that talks to the server |
| s3.json | the object store: one identity each for the admin, worker, watcher, gc and report, and their policies |
| s3_NAME.env | AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of that identity |
| watch.env | the watcher: the token by which it knows the object store |
| notification.toml | the object store: where to tell of uploads, with that token |
"""

from __future__ import annotations

import argparse
import json
import secrets
from pathlib import Path

from policies import policy

IDENTITIES = {"worker": ["worker"], "watcher": ["watcher"], "gc": ["gc"], "report": ["report"]}
WATCHER_URL = "http://watcher:8099/events"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parent / "secrets")
    for name in make(parser.parse_args().folder):
        print(f"made {name}")


def make(folder: Path) -> list[str]:
    """Write what is missing; returns the names of the files written."""
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    made = []
    database, door = secrets.token_urlsafe(32), f"polydub:{secrets.token_urlsafe(32)}"
    keys = {name: (f"polydub-{name}", secrets.token_urlsafe(30)) for name in ("admin", *IDENTITIES)}
    token = secrets.token_urlsafe(32)
    groups = [
        {
            "postgres_password": database,
            "prefect_server.env": _env(PREFECT_SERVER_DATABASE_PASSWORD=database, PREFECT_SERVER_API_AUTH_STRING=door),
            "prefect_client.env": _env(PREFECT_API_AUTH_STRING=door),
        },
        {
            "s3.json": json.dumps(s3_identities(keys), indent=2) + "\n",
            **{
                f"s3_{name}.env": _env(AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret)
                for name, (key, secret) in keys.items()
            },
        },
        {"watch.env": _env(POLYDUB_WEBHOOK_TOKEN=token), "notification.toml": notification(token)},
    ]
    for group in groups:  # a group's files hold the same secret: all of it is made, or none
        if any((folder / name).exists() for name in group):
            missing = [name for name in group if not (folder / name).exists()]
            if missing:
                raise SystemExit(
                    f"{folder}: {', '.join(missing)} is missing; delete {', '.join(group)} to make them anew"
                )
            continue
        for name, content in group.items():
            (folder / name).write_text(content, "utf-8")
            (folder / name).chmod(0o444)
            made.append(name)
    return made


def s3_identities(keys: dict[str, tuple[str, str]]) -> dict[str, object]:
    """SeaweedFS's configuration: it holds each identity to the policies that AWS would hold it to."""
    return {
        "identities": [
            {
                "name": name,
                "credentials": [{"accessKey": key, "secretKey": secret}],
                **({"policyNames": IDENTITIES[name]} if name in IDENTITIES else {"actions": ["Admin"]}),
            }
            for name, (key, secret) in keys.items()
        ],
        "policies": [
            {"name": name, "content": json.dumps(policy(name))}
            for name in sorted({each for policies in IDENTITIES.values() for each in policies})
        ],
    }


def notification(token: str) -> str:
    return f"""# The object store tells the watcher of every upload under the bucket that videos come in by.
[notification.webhook]
enabled = true
endpoint = "{WATCHER_URL}"
bearer_token = "{token}"
timeout_seconds = 10
max_retries = 10
backoff_seconds = 3
max_backoff_seconds = 300
event_types = ["create", "update", "rename"]
path_prefixes = ["/buckets/polydub-in/"]
"""


def _env(**values: str) -> str:
    return "".join(f"{name}={value}\n" for name, value in values.items())


if __name__ == "__main__":
    main()
