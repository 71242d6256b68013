"""Small titles for tests of many: seconds each on toy engines, with given lines that the toy recogniser hears again, so
that a dub is not failed."""

from __future__ import annotations

import json
from pathlib import Path

import ffmpeg

from dub.media import ffmpeg_exe
from dub.plan import Job

TOY = Path(__file__).with_name("toy.toml")
LINES = {"en": ("Good morning everybody.", "This is a pump."), "es": ("Buenos días a todos.", "Esto es una bomba.")}
LINES["es-419"] = LINES["es"]
TARGETS = ("es", "es-419")


def toy_profile(folder: Path, *, lipsync_frame_s: float = 0.0) -> Path:
    """Toy engines of which the recogniser hears the Spanish lines; lip-sync takes `lipsync_frame_s` per frame."""
    spans = ((0.3, 1.2), (1.4, 2.3))
    heard = [
        {"text": text, "start_s": start, "end_s": end} for text, (start, end) in zip(LINES["es"], spans, strict=True)
    ]
    path = folder / "toy.toml"
    path.write_text(
        f"{TOY.read_text()}[options.scripted]\nlocale = 'es'\nsegments = '{json.dumps(heard)}'\n"
        f"[options.untouched]\nframe_s = {lipsync_frame_s}\n"
    )
    return path


def toy_title(folder: Path, name: str, *, hue: int = 0, targets: tuple[str, ...] = TARGETS) -> str:
    """A talk of 2.5 s (160x120, 25 fps) with its scripts; returns its row's cells `source`, `scripts`. `hue`: another
    one, another film."""
    loud = "between(t,0.3,1.2)+between(t,1.4,2.3)"
    picture = ffmpeg.input("testsrc2=size=160x120:rate=25:duration=2.5", f="lavfi").filter("hue", h=hue)
    sound = ffmpeg.input(f"aevalsrc='0.2*sin(2*PI*220*t)*({loud})':s=48000:d=2.5", f="lavfi")
    out = ffmpeg.output(picture, sound, str(folder / f"{name}.mp4"), vcodec="libx264", preset="ultrafast", acodec="aac")
    out.run(cmd=ffmpeg_exe(), quiet=True)
    for locale in ("en", *targets):
        write_script(folder, name, locale, LINES[locale])
    return f"{name}.mp4,{';'.join(f'{locale}={name}.{locale}.srt' for locale in ('en', *targets))}"


def spanish_job(folder: Path, *, lipsync_frame_s: float = 0.0) -> Job:
    """A toy title made in `folder`, to be dubbed into Spanish there: out/, store/."""
    toy_title(folder, "talk", targets=("es",))
    return Job.model_validate(
        {
            "source": folder / "talk.mp4", "targets": ["es"], "out": folder / "out", "store": folder / "store",
            "profile": str(toy_profile(folder, lipsync_frame_s=lipsync_frame_s)), "source_locale": "en",
            "scripts": {locale: folder / f"talk.{locale}.srt" for locale in ("en", "es")},
        }
    )  # fmt: skip


def write_script(folder: Path, name: str, locale: str, lines: tuple[str, str]) -> None:
    (folder / f"{name}.{locale}.srt").write_text(
        f"1\n00:00:00,300 --> 00:00:01,200\n{lines[0]}\n\n2\n00:00:01,400 --> 00:00:02,300\n{lines[1]}\n"
    )


def toy_manifest(folder: Path, n_titles: int, targets: tuple[str, ...] = TARGETS) -> Path:
    """`n_titles` films and the manifest that names them."""
    numbers = range(1, n_titles + 1)
    rows = [toy_title(folder, f"talk{number}", hue=30 * number, targets=targets) for number in numbers]
    path = folder / "talks.csv"
    path.write_text("\n".join(["source,scripts,to,from", *(f"{row},{' '.join(targets)},en" for row in rows)]) + "\n")
    return path


def memo_of(store: Path) -> dict[str, int]:
    """Every finished stage's record, and when it was written (ns)."""
    return {str(path.relative_to(store)): path.stat().st_mtime_ns for path in (store / "memo").rglob("*.json")}
