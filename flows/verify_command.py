"""`polydub verify`: what a file says of how it was made, and whether that can be believed."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dub.content_credentials import Credentials

STATES = {
    "trusted": "untouched since it was signed, by somebody whom your anchors vouch for",
    "valid": "untouched since it was signed; nobody you named vouches for who signed",
    "invalid": "not what was signed",
}


def add_verify_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verify = commands.add_parser("verify", help="read and check a file's Content Credentials (C2PA)")
    verify.add_argument("file", type=Path)
    verify.add_argument("--trust", type=Path, metavar="PEM", help="certificates that you trust to vouch for signers")
    verify.add_argument("--json", action="store_true")
    verify.set_defaults(run=run_verify)


def run_verify(options: argparse.Namespace) -> int:
    """0: the credentials hold; 1: they do not, there are none, or with --trust nobody trusted signed."""
    from dub.content_credentials import read_credentials
    from dub.errors import BadInput

    for path in filter(None, (options.file, options.trust)):
        if not path.is_file():
            raise BadInput(f"{path} is no file", mend="give the path of an existing file")
    anchors = options.trust.read_bytes() if options.trust else b""
    credentials = read_credentials(options.file, anchors)
    if options.json:
        print(json.dumps(credentials and credentials.model_dump(mode="json"), ensure_ascii=False, indent=1))
    else:
        print("\n".join(_told(options.file, credentials)))
    return 0 if credentials and credentials.state in (("trusted",) if anchors else ("trusted", "valid")) else 1


def _told(file: Path, credentials: Credentials | None) -> list[str]:
    if credentials is None:
        note = _note(file)
        said = [f'its own note, which anybody can write: "{note}"'] if note else []
        return [f"{file.name}: no Content Credentials", *said]
    lines = [
        f"{file.name}: {credentials.state}: {STATES[credentials.state]}",
        *(f"problem    {code}" for code in credentials.problems),
        f"signed by  {credentials.signed_by}" + (f", {credentials.signed_at}" if credentials.signed_at else ""),
        f"made with  {credentials.generator}",
        *(f"did        {action}" for action in credentials.actions),
        *(f"from       {title}" for title in credentials.ingredients),
    ]
    if told := credentials.provenance:
        lines += [
            f"source     sha256 {told.source_sha256}",
            f"language   {told.source_locale} -> {told.locale}",
            f"mouth      {told.n_rendered} of {told.n_frames} frames are synthetic",
            *(
                f"engine     {maker.does}: {maker.id} {maker.version} {maker.fingerprint}".rstrip()
                for maker in told.makers
            ),
            *([f"says       {told.disclosure}"] if told.disclosure else []),
            *([f"consent    {told.consent}"] if told.consent else []),
        ]
    return lines


def _note(file: Path) -> str:
    """The comment in the file's metadata, "" where there is none. Raises UnreadableMedia."""
    from dub.media import probe

    return str(probe(file)["format"].get("tags", {}).get("comment", ""))
