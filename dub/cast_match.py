"""Who of the cast is which speaker of a title, from how alike they sound."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dub.cast import CastEntry, Casting
from dub.errors import BadInput
from dub.finding import Finding, Level

CLEARLY = 0.08
"""Cosine by which one person must be more like a speaker than the next who also passes the encoder's threshold."""


def cast_speakers(
    entries: Sequence[CastEntry],
    speakers: Sequence[str],
    likeness: npt.NDArray[np.float64],
    threshold: float,
    file: str,
) -> Casting:
    """Name the speakers of a title.

    `likeness` (n entries, n speakers): cosine of the entry's recording to the speaker's speech, NaN where either has
    none. What the user fixed comes first (`is`, or a speaker who already bears the entry's name), then who is most
    alike, from `threshold` on. Raises BadInput for `is` that names no speaker, for two people who are as like one
    speaker, and for a name that another speaker bears. Everybody else who matches nobody is a note.
    """
    names: dict[str, str] = {}
    identified: dict[str, str] = {}
    for entry in entries:
        for speaker in entry.is_speakers or (entry.name,):
            if speaker in speakers:
                names[speaker] = entry.name
                identified[entry.name] = f"fixed by {file}"
            elif entry.is_speakers:
                raise BadInput(
                    f"{file}, [speakers.{entry.name}], field 'is': {speaker!r} is no speaker of this title: its "
                    f"speakers are {', '.join(speakers)}",
                    mend="name one of them",
                )
    while (found := _next_match(entries, speakers, likeness, threshold, names, file)) is not None:
        row, column = found
        entry, speaker = entries[row], speakers[column]
        names[speaker] = entry.name
        alike = f"sounds like {entry.reference_name}: {likeness[row, column]:.2f}, {threshold:.2f} needed"
        identified[entry.name] = alike
    for speaker in speakers:
        if speaker not in names and speaker in names.values():
            raise BadInput(
                f"{file} gives the name {speaker!r} to one speaker while another of this title bears it",
                mend="name the person otherwise",
            )
    notes = _notes(entries, speakers, likeness, threshold, names, file)
    return Casting(names=names, entries=tuple(entries), identified=identified, notes=tuple(notes))


def _next_match(
    entries: Sequence[CastEntry],
    speakers: Sequence[str],
    likeness: npt.NDArray[np.float64],
    threshold: float,
    names: dict[str, str],
    file: str,
) -> tuple[int, int] | None:
    """The most alike pair of those who are not matched yet; None when nobody is alike enough."""
    open_rows = [row for row, entry in enumerate(entries) if entry.name not in names.values()]
    open_columns = [column for column, speaker in enumerate(speakers) if speaker not in names]
    pairs = [(likeness[row, column], -row, -column) for row in open_rows for column in open_columns]
    pairs = [pair for pair in pairs if pair[0] >= threshold]  # NaN is not
    if not pairs:
        return None
    most, row, column = max(pairs)
    row, column = -row, -column
    for other in open_rows:
        as_alike = likeness[other, column] >= max(threshold, most - CLEARLY)
        if other != row and as_alike and np.nanargmax(likeness[other]) == column:
            raise BadInput(
                f"{file}: {entries[row].name} ({most:.2f}) and {entries[other].name} ({likeness[other, column]:.2f}) "
                f'both sound like {speakers[column]}; is = "{speakers[column]}" stands under neither',
                mend="write that line under one of them",
            )
    return row, column


def _notes(
    entries: Sequence[CastEntry],
    speakers: Sequence[str],
    likeness: npt.NDArray[np.float64],
    threshold: float,
    names: dict[str, str],
    file: str,
) -> list[Finding]:
    notes = []
    unnamed = [speaker for speaker in speakers if speaker not in names]
    for row, entry in enumerate(entries):
        heard = likeness[row]
        if entry.name not in names.values():
            notes.append(_nobody(entry, speakers, heard, threshold, unnamed, file))
        for column, speaker in enumerate(speakers):
            if speaker in unnamed and entry.name in names.values() and heard[column] >= threshold:
                what = f"{speaker} sounds like {entry.name} too ({heard[column]:.2f}, {threshold:.2f} needed)"
                todo = f'If it is one person, write is = ["{_first(names, entry.name)}", "{speaker}"] in {file}.'
                notes.append(_note(Level.DEGRADED, f"{what}. {todo}", float(heard[column]), threshold))
    return notes


def _nobody(
    entry: CastEntry,
    speakers: Sequence[str],
    heard: npt.NDArray[np.float64],
    threshold: float,
    unnamed: Sequence[str],
    file: str,
) -> Finding:
    """Somebody of the cast who is not in the title: worth a look only while somebody in the title has no name."""
    level = Level.DEGRADED if unnamed else Level.OK
    if not np.isfinite(heard).any():
        what = "has no recording to be told by" if entry.reference is None else "cannot be compared with anybody"
        return _note(level, f"{entry.name} of {file} matches no speaker: {what}.", None, None)
    nearest = int(np.nanargmax(heard))
    todo = f' If it is them, write is = "{speakers[nearest]}".' if unnamed else ""
    message = f"{entry.name} of {file} matches no speaker; the nearest, {speakers[nearest]}, is alike by "
    message += f"{heard[nearest]:.2f}, {threshold:.2f} is needed.{todo}"
    return _note(level, message, float(heard[nearest]), threshold)


def _note(level: Level, message: str, value: float | None, limit: float | None) -> Finding:
    return Finding(level=level, check="cast", message=message, value=value, limit=limit)


def _first(names: dict[str, str], name: str) -> str:
    return next(speaker for speaker, given in names.items() if given == name)
