"""The access policies by intention: who may do what, and above all what nobody may."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra import INFRA, script

SCRIPT = script("policies")
NAMES = {
    "in_bucket": "talks", "in_prefix": "incoming/", "out_bucket": "dubs", "out_prefix": "ready/",
    "store_bucket": "store", "store_prefix": "cas/", "queue_arn": "arn:aws:sqs:eu-west-1:1:uploads",
    "key_arn": "arn:aws:kms:eu-west-1:1:key/k",
}  # fmt: skip
OURS = (
    "arn:aws:s3:::talks", "arn:aws:s3:::talks/incoming/*", "arn:aws:s3:::dubs", "arn:aws:s3:::dubs/ready/*",
    "arn:aws:s3:::store", "arn:aws:s3:::store/cas/*", NAMES["queue_arn"], NAMES["key_arn"],
    "arn:aws:s3:::dubs/ready/*.polydub-error.txt", "arn:aws:s3:::dubs/ready/*/quarantine/*",
)  # fmt: skip
ALL = SCRIPT["names"]()


def statements(name: str) -> list[dict[str, Any]]:
    document = SCRIPT["policy"](name, NAMES)
    assert document["Version"] == "2012-10-17"
    return list(document["Statement"])


def allowed(name: str) -> Iterator[tuple[str, str]]:
    """Every (action, resource) of a policy."""
    for statement in statements(name):
        assert statement["Effect"] == "Allow"
        assert set(statement) <= {"Sid", "Effect", "Action", "Resource", "Condition"}
        yield from itertools.product(statement["Action"], statement["Resource"])


def actions(name: str) -> set[str]:
    return {action for action, _ in allowed(name)}


@pytest.mark.parametrize("name", ALL)
def test_no_policy_has_a_wildcard_action_or_names_what_is_not_ours(name: str) -> None:
    for action, resource in allowed(name):
        assert "*" not in action
        assert "?" not in action
        assert resource in OURS


@pytest.mark.parametrize("name", [name for name in ALL if name != "gc"])
def test_only_gc_deletes_objects_the_watcher_its_own_notes_and_the_worker_quarantine(name: str) -> None:
    deleted = {resource for action, resource in allowed(name) if action == "s3:DeleteObject"}
    their_own = {"watcher": "*.polydub-error.txt", "worker": "*/quarantine/*"}
    assert deleted == ({f"arn:aws:s3:::dubs/ready/{their_own[name]}"} if name in their_own else set())


def test_gc_touches_the_store_alone() -> None:
    assert {resource for _, resource in allowed("gc")} == {"arn:aws:s3:::store", "arn:aws:s3:::store/cas/*"}
    assert "s3:PutObject" not in actions("gc")


def test_the_worker_writes_results_and_store_and_never_a_source() -> None:
    written = {resource for action, resource in allowed("worker") if action == "s3:PutObject"}
    assert written == {"arn:aws:s3:::dubs/ready/*", "arn:aws:s3:::store/cas/*"}
    assert ("s3:GetObject", "arn:aws:s3:::talks/incoming/*") in set(allowed("worker"))


def test_the_watcher_reads_uploads_and_works_one_queue() -> None:
    sources = {(action, resource) for action, resource in allowed("watcher") if "talks" in resource}
    assert {action.split(":")[1][:3] for action, _ in sources} == {"Get", "Lis"}, "reads alone"
    written = {resource for action, resource in allowed("watcher") if action == "s3:PutObject"}
    assert written == {"arn:aws:s3:::dubs/ready/*.polydub-error.txt"}
    assert {resource for _, resource in allowed("queue")} == {NAMES["queue_arn"]}
    assert {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"} <= actions("queue")
    assert "sqs:SendMessage" not in actions("queue")


def test_whoever_reads_reports_sees_results_alone() -> None:
    assert {action.split(":")[1][:3] for action in actions("report")} == {"Get", "Lis"}, "reads alone"
    assert {resource for _, resource in allowed("report")} == {"arn:aws:s3:::dubs", "arn:aws:s3:::dubs/ready/*"}


@pytest.mark.parametrize("name", ["worker", "watcher", "gc", "report"])
def test_nobody_changes_buckets_access_or_versions(name: str) -> None:
    for action in actions(name):
        assert "Policy" not in action
        assert "Acl" not in action
        assert not action.startswith(
            ("s3:PutBucket", "s3:CreateBucket", "s3:DeleteBucket", "s3:Bypass", "iam:", "sts:")
        )


@pytest.mark.parametrize("name", ["key_read", "key_write"])
def test_the_key_is_used_through_s3_alone(name: str) -> None:
    [statement] = statements(name)
    assert statement["Condition"] == {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}}
    assert ("kms:GenerateDataKey" in actions(name)) == (name == "key_write")


def test_a_name_that_no_policy_asks_for_is_refused() -> None:
    with pytest.raises(KeyError, match="bucket_in"):
        SCRIPT["policy"]("worker", {"bucket_in": "talks"})


@pytest.mark.skipif(not shutil.which("terraform"), reason="terraform is not installed")
@pytest.mark.parametrize("name", ALL)
def test_terraform_fills_in_the_same_policy(name: str) -> None:
    values = ", ".join(f"{key} = {json.dumps(value)}" for key, value in {**SCRIPT["DEFAULTS"], **NAMES}.items())
    question = f'jsonencode(jsondecode(templatefile("{INFRA}/aws/policies/{name}.json", {{{values}}})))'
    answer = subprocess.run(
        ["terraform", "console"], input=question, cwd=INFRA / "aws" / "policies", capture_output=True, text=True,
        timeout=60, check=True,
    )  # fmt: skip
    assert json.loads(json.loads(answer.stdout)) == SCRIPT["policy"](name, NAMES)
