"""`polydub voices`: who is in a cast file, and adding somebody to it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dub.errors import BadInput

if TYPE_CHECKING:
    from dub.cast_file import CastPerson

REPORT = ".report.json"


def add_voices_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    voices = commands.add_parser("voices", help="the people of a cast file, whose voices stay the same in every title")
    actions = voices.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="who is in it, and who sounds too much like somebody else")
    listing.add_argument("cast", type=Path, help="the cast file")
    listing.add_argument("--profile", default="embedded", help="whose speaker encoder listens (default: embedded)")
    listing.set_defaults(run=list_voices)
    add = actions.add_parser("add", help="add a person, from a recording or from a title that was dubbed")
    add.add_argument("cast", type=Path, help="the cast file; it is made where there is none")
    add.add_argument("name", help="what the person is to be called")
    add.add_argument("recording", type=Path, help="a sound or video file of them alone, or TITLE.LOCALE.report.json")
    add.add_argument("--speaker", help="with a report: who of the title it is, e.g. s1")
    add.add_argument("--says", default="", help="the recording's words, for engines that hear it with them")
    add.add_argument("--store", type=Path, help="with a report: the artifact store (default: ~/.cache/polydub/store)")
    add.set_defaults(run=add_voice)


def list_voices(options: argparse.Namespace) -> int:
    """One line per person: what they are told by, who agreed, and the person of the file who sounds most like them."""
    import numpy as np

    from dub.cast_file import read_cast

    people = read_cast(options.cast)
    likeness, threshold = _likeness(people, options.profile)
    for row, person in enumerate(people):
        told = person.entry.reference_name or ", ".join(person.entry.is_speakers) or "the name alone"
        agreed = "; ".join(record.in_words() for record in person.consent) or "no consent record in this file"
        near = ""
        others = [column for column in range(len(people)) if column != row and np.isfinite(likeness[row, column])]
        if others:
            nearest = max(others, key=lambda column: float(likeness[row, column]))
            cosine = float(likeness[row, nearest])
            warning = ": too alike to be told apart" if cosine >= threshold else ""
            near = f"; most like {people[nearest].entry.name} by {cosine:.2f}{warning}"
        print(f"{person.entry.name:16} {told}{near}; {agreed}")
    return 0


def add_voice(options: argparse.Namespace) -> int:
    """Copies the recording beside the cast file and appends the person. Raises BadInput; nothing is written then."""
    from dub.cast_file import read_cast
    from flows.publish import publish_text

    cast: Path = options.cast
    known = [person.entry.name.casefold() for person in read_cast(cast)] if cast.exists() else []
    if options.name.casefold() in known:
        raise BadInput(f"the cast file {cast} has a {options.name} already", mend="choose another name")
    if not options.name.strip() or "/" in options.name:
        raise BadInput(f"{options.name!r} is no name", mend="for example anna")
    recording = _of_report(options) if options.recording.name.endswith(REPORT) else options.recording
    target = cast.parent / f"{options.name}.wav"
    if target.exists():
        raise BadInput(f"{target} exists already", mend="choose another name, or move the file")
    table = [f"[speakers.{json.dumps(options.name, ensure_ascii=False)}]", f"reference = {json.dumps(target.name)}"]
    table += [f"says = {json.dumps(options.says, ensure_ascii=False)}"] if options.says else []
    before = cast.read_text("utf-8").rstrip() + "\n\n" if cast.exists() else ""
    text = before + "\n".join(table) + "\n"
    draft = cast.with_name(f".{cast.name}.draft")
    try:
        _write_recording(recording, target)
        draft.write_text(text, "utf-8")
        read_cast(draft)  # what is wrong with the recording is said now, not at the first title
    except BadInput:
        target.unlink(missing_ok=True)
        raise
    finally:
        draft.unlink(missing_ok=True)
    publish_text(text, cast)
    print(f"{options.name}: {target}")
    print(f'To use it on a title, add [speakers.{json.dumps(options.name)}.consent] with purposes = ["reuse"].')
    return 0


def _of_report(options: argparse.Namespace) -> Path:
    """The recording of a title's speaker in the store."""
    from dub.artifact import Artifact
    from dub.cast import REFERENCE_METRIC
    from dub.store import open_store
    from flows.preflight import store_of

    report: Path = options.recording
    try:
        metrics = json.loads(report.read_text("utf-8"))["metrics"]
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(f"{report} is no report of a dub: {error}", mend="give TITLE.LOCALE.report.json") from error
    speakers = {name.removeprefix(REFERENCE_METRIC): mark for name, mark in metrics.items() if REFERENCE_METRIC in name}
    chosen = options.speaker or (next(iter(speakers)) if len(speakers) == 1 else "")
    if chosen not in speakers:
        what = "name a speaker" if not options.speaker else f"there is no speaker {options.speaker!r}"
        there_are = f"it has {' | '.join(speakers)}" if speakers else "it has none"
        raise BadInput(f"{report}: {what}; {there_are}", mend="--speaker one of them, or another title's report")
    sha256, _, n_bytes = str(speakers[chosen]).partition(" ")
    store = open_store(str(store_of(options.store)))
    artifact = Artifact(sha256=sha256, n_bytes=int(n_bytes), media_type="audio/wav")
    if not store.has(artifact):
        raise BadInput(
            f"the store no longer has the voice of {chosen}", mend="dub the title again, or name its --store"
        )
    return store.path(artifact)


def _write_recording(recording: Path, target: Path) -> None:
    from dub.media import read_audio
    from dub.timecode import MASTER_RATE_HZ
    from dub.wav import write_wav

    if not recording.is_file():
        raise BadInput(f"the recording {recording} does not exist", mend="give a sound or video file")
    write_wav(target, read_audio(recording, MASTER_RATE_HZ, 1)[0], MASTER_RATE_HZ)


def _likeness(people: tuple[CastPerson, ...], profile: str) -> tuple[Any, float]:
    """Cosines float64 (n, n) between the recordings, NaN where one is missing or silent; and the encoder's
    threshold."""
    import numpy as np

    from dub.media import read_audio
    from dub.timecode import MASTER_RATE_HZ
    from dub.voice_reference import REFERENCE_S, without_pauses
    from engines import registry
    from flows.preflight import choose, options_of, read_plan

    plan = read_plan(profile)
    choice = choose("speaker", plan.speaker[0], options_of(plan, "speaker", plan.speaker[0]), policy=plan.policy)
    encoder = registry.load("speaker", choice.id, **choice.options)
    likeness = np.full((len(people), len(people)), np.nan)
    heard: dict[int, Any] = {}
    for row, person in enumerate(people):
        if person.reference is None:
            continue
        speech = without_pauses(read_audio(person.reference, MASTER_RATE_HZ, 1)[0], MASTER_RATE_HZ)
        try:
            heard[row] = encoder.embed(speech[: round(REFERENCE_S * MASTER_RATE_HZ)], MASTER_RATE_HZ)
        except ValueError:
            continue  # silent: told by the title that it is used on
        for column, other in heard.items():
            likeness[row, column] = likeness[column, row] = float(heard[row] @ other)
    return likeness, encoder.same_speaker_threshold
