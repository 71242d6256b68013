"""The access policies of infra/aws/policies with their names filled in: for AWS, MinIO and SeaweedFS alike.

    python infra/policies.py worker --in-bucket talks --out-bucket dubs --store-bucket store --store-prefix store/

prints one policy. Terraform fills in the same files by itself. Plain Python, no package needed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

TEMPLATES = Path(__file__).resolve().parent / "aws" / "policies"
DEFAULTS = {
    "partition": "aws",
    "in_bucket": "polydub-in",
    "in_prefix": "",
    "out_bucket": "polydub-out",
    "out_prefix": "",
    "store_bucket": "polydub-store",
    "store_prefix": "",
    "queue_arn": "",
    "key_arn": "",
    "dns_suffix": "amazonaws.com",
}


def names() -> list[str]:
    return sorted(path.stem for path in TEMPLATES.glob("*.json"))


def policy(name: str, values: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The policy document `name` with `values` over the defaults. Raises KeyError for a value no policy asks for."""
    if unknown := set(values or {}) - set(DEFAULTS):
        raise KeyError(f"no policy asks for {', '.join(sorted(unknown))}")
    text = Template((TEMPLATES / f"{name}.json").read_text("utf-8"))
    document: dict[str, Any] = json.loads(text.substitute({**DEFAULTS, **(values or {})}))
    return document


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("name", choices=names())
    for name, default in DEFAULTS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", default=default, help=f"default: {default or 'empty'}")
    options = vars(parser.parse_args())
    print(json.dumps(policy(options.pop("name"), options), indent=2))


if __name__ == "__main__":
    main()
