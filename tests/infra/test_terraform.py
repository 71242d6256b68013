"""infra/aws: the format by terraform itself, the rest by reading it. Providers cannot be downloaded here, so `terraform
validate` and `plan` do not run; infra/aws/README.md says what to run before applying."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import hcl2
import pytest

from tests.infra import INFRA, script

AWS = INFRA / "aws"
FILES = sorted(AWS.glob("*.tf"))
SOURCE = "\n".join(path.read_text("utf-8") for path in FILES)


def blocks(kind: str) -> list[dict[str, Any]]:
    """Every block of a kind, over all files."""
    found: list[dict[str, Any]] = []
    for path in FILES:
        with path.open(encoding="utf-8") as text:
            found += hcl2.load(text).get(kind, [])
    return found


def bare(name: str) -> str:
    return name.strip('"')


def labelled(kind: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (bare(type_), bare(name)): body
        for block in blocks(kind)
        for type_, named in block.items()
        if not type_.startswith("__")
        for name, body in named.items()
        if not name.startswith("__")
    }


def names(kind: str) -> set[str]:
    return {bare(name) for block in blocks(kind) for name in block if not name.startswith("__")}


@pytest.mark.skipif(not shutil.which("terraform"), reason="terraform is not installed")
def test_terraform_finds_the_format_right() -> None:
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-diff", "-recursive", AWS],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_is_read_by_a_parser_of_terraforms_language(path: Path) -> None:
    with path.open(encoding="utf-8") as text:
        assert hcl2.load(text)


def test_every_variable_that_is_used_is_declared_and_none_for_nothing() -> None:
    assert set(re.findall(r"\bvar\.(\w+)", SOURCE)) == names("variable")
    given = set(re.findall(r"^(\w+) *=", (AWS / "example.tfvars").read_text(), re.MULTILINE))
    assert given <= names("variable")
    required = {
        bare(name)
        for block in blocks("variable")
        for name, body in block.items()
        if not name.startswith("__") and "default" not in body
    }
    assert required <= given


def test_every_local_and_every_resource_that_is_named_exists() -> None:
    used = set(re.findall(r"\blocal\.(\w+)", SOURCE))
    assert used <= {bare(name) for block in blocks("locals") for name in block}
    resources, data = labelled("resource"), labelled("data")
    for type_, name in re.findall(r"(?<![\w.])(aws_\w+)\.(\w+)", SOURCE.replace("data.aws_", "data_of_aws_")):
        assert (type_, name) in resources
    for type_, name in re.findall(r"\bdata\.(aws_\w+)\.(\w+)", SOURCE):
        assert (type_, name) in data


def test_terraform_and_the_provider_are_held_to_a_major_version() -> None:
    [terraform] = blocks("terraform")
    assert "< 2.0" in terraform["required_version"]
    assert "~> 6.0" in str(terraform["required_providers"])


def test_every_bucket_is_closed_encrypted_and_forgets_unfinished_uploads() -> None:
    resources = labelled("resource")
    assert [name for type_, name in resources if type_ == "aws_s3_bucket"] == ["media"]
    for guard in (
        "aws_s3_bucket_public_access_block", "aws_s3_bucket_ownership_controls",
        "aws_s3_bucket_lifecycle_configuration", "aws_s3_bucket_server_side_encryption_configuration",
    ):  # fmt: skip
        assert "local.buckets" in str(resources[guard, "media"]["for_each"]), guard
    block = resources["aws_s3_bucket_public_access_block", "media"]
    assert all(
        block[each]
        for each in ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    )
    assert "abort_incomplete_multipart_upload" in str(resources["aws_s3_bucket_lifecycle_configuration", "media"])


def test_the_store_does_not_expire_unless_asked() -> None:
    [default] = [block for block in blocks("variable") if "store_expiry_days" in {bare(name) for name in block}]
    assert next(body for name, body in default.items() if bare(name) == "store_expiry_days")["default"] == 0


def test_what_cannot_be_handled_ends_in_the_dead_letter_queue() -> None:
    resources = labelled("resource")
    assert {name for type_, name in resources if type_ == "aws_sqs_queue"} == {"uploads", "dead"}
    uploads = str(resources["aws_sqs_queue", "uploads"]["redrive_policy"])
    assert "aws_sqs_queue.dead.arn" in uploads
    assert "maxReceiveCount" in uploads
    assert "aws_sqs_queue.dead.arn" in str(resources["aws_cloudwatch_event_target", "uploads"]["dead_letter_config"])


def test_only_refusals_name_every_action_and_only_the_rule_may_send() -> None:
    documents = {name: body for (type_, name), body in labelled("data").items() if type_ == "aws_iam_policy_document"}
    assert set(documents) == {"only_by_tls", "from_the_rule", "trust"}
    for name, document in documents.items():
        [statement] = document["statement"]
        if "*" in str(statement["actions"]):
            assert (name, bare(statement["effect"])) == ("only_by_tls", "Deny")
        assert statement["condition"], "each statement says under which condition it holds"
    assert "aws:SourceArn" in str(documents["from_the_rule"])


def test_the_names_in_the_policies_are_all_filled_in() -> None:
    [given] = re.findall(r"names_in_policies = \{(.*?)\n  \}", SOURCE, re.DOTALL)
    assert set(re.findall(r"^ +(\w+) *=", given, re.MULTILINE)) == set(script("policies")["DEFAULTS"])
    [identities] = re.findall(r"identities = \{(.*?)\n  \}", SOURCE, re.DOTALL)
    used = set(re.findall(r'"(\w+)"', identities))
    assert used == set(script("policies")["names"]())
