"""`polydub avatar`: one photo and a voice recording become a talking video per language."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dub.avatar import AvatarJob
    from lang.bcp47 import Locale


def add_avatar_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    avatar = commands.add_parser("avatar", help="make a photo talk, in several languages")
    avatar.add_argument("photo", type=Path, help="a photo of one person who faces the camera")
    avatar.add_argument("--voice", required=True, type=Path, help="some 30 s of the voice to speak in, any sound file")
    avatar.add_argument(
        "--script", action="append", required=True, metavar="[LOCALE=]FILE",
        help="what is said: plain text, or a timed script; with LOCALE= it is said as it stands in that language",
    )  # fmt: skip
    avatar.add_argument("--to", required=True, metavar="LOCALES", help="target locales, e.g. es,fr")
    avatar.add_argument("--from", dest="source_locale", metavar="LOCALE", help="the text's language (default: found)")
    avatar.add_argument(
        "--consent", required=True, type=Path, help="the record that allows this (.toml): see docs/avatar.md"
    )
    avatar.add_argument(
        "--background", default="original", metavar="WHAT",
        help="original, blur, a colour (white, '#20304a') or an image file (default: original)",
    )  # fmt: skip
    avatar.add_argument("--motion", type=float, default=1.0, help="how much the head moves, 0 to 2 (default: 1)")
    avatar.add_argument("--seed", type=int, default=0, help="another number, another way of moving (default: 0)")
    avatar.add_argument("--size", type=int, default=1080, metavar="PX", help="longest side at most (default: 1080)")
    avatar.add_argument("--upscale", type=int, choices=(2, 3, 4), help="enlarge the finished picture")
    avatar.add_argument("--upscale-model", type=Path, metavar="ONNX", help="by this super-resolution network")
    avatar.add_argument("--out", type=Path, default=Path("out"), help="folder for the results (default: out)")
    avatar.add_argument("--profile", default="embedded", help="a shipped profile or the path of your own .toml")
    avatar.add_argument("--memory", type=Path, help="a translation memory (.tmx .csv)")
    avatar.add_argument("--glossary", type=Path, help="terms and what they must be in each language (.csv .tsv)")
    avatar.add_argument("--title", default="", help="name of the results (default: the photo's name)")
    avatar.add_argument("--store", type=Path, help="artifact store (default: ~/.cache/polydub/store)")
    avatar.set_defaults(run=run_avatar)


def run_avatar(options: argparse.Namespace) -> int:
    """0 done, 1 a language failed. Raises BadInput before any costly work."""
    from dub.home import cache_home
    from flows.avatar_title import avatar_title
    from flows.console import print_verdicts, show_run

    job = job_of(options)
    with show_run(cache_home() / "native.log"):
        report = avatar_title(job)
    print_verdicts(report)
    return 1 if report.verdict == "failed" else 0


def job_of(options: argparse.Namespace) -> AvatarJob:
    """The job that the options ask for. Raises BadInput naming the option."""
    from pydantic import ValidationError

    from dub.avatar import AvatarJob, Motion
    from dub.errors import BadInput

    script, scripts = _scripts(options.script)
    targets = tuple(_locale(tag) for tag in options.to.split(",") if tag.strip())
    if not targets:
        raise BadInput("--to names no locale", mend="for example --to es,pt-BR")
    try:
        return AvatarJob(
            photo=options.photo.absolute(),
            voice=options.voice.absolute(),
            script=script,
            scripts=scripts,
            targets=targets,
            out=options.out.absolute(),
            profile=options.profile,
            source_locale=_locale(options.source_locale) if options.source_locale else None,
            consent=options.consent.absolute(),
            background=options.background,
            motion=Motion(amplitude=options.motion, seed=options.seed),
            long_side_px=options.size,
            upscale=options.upscale,
            upscale_model=_absolute(options.upscale_model),
            memory=_absolute(options.memory),
            glossary=_absolute(options.glossary),
            store=_absolute(options.store),
            title=options.title,
        )
    except ValidationError as error:
        first = error.errors()[0]
        option = {"amplitude": "motion", "long_side_px": "size"}.get(str(first["loc"][-1]), str(first["loc"][-1]))
        raise BadInput(f"--{option} {first['input']}: {first['msg']}") from error


def _scripts(given: list[str]) -> tuple[Path | None, dict[Locale, Path]]:
    """The text to translate, and the texts that are given per language. Raises BadInput for two of the first."""
    from dub.errors import BadInput

    script: Path | None = None
    scripts: dict[Locale, Path] = {}
    for each in given:
        tag, separator, path = each.partition("=")
        if separator and path and not Path(each).exists():
            scripts[_locale(tag)] = Path(path).absolute()
        elif script is None:
            script = Path(each).absolute()
        else:
            raise BadInput(f"two texts are to be translated: {script.name} and {each}", mend="give LOCALE=FILE")
    return script, scripts


def _absolute(path: Path | None) -> Path | None:
    return path.absolute() if path else None


def _locale(tag: str) -> Locale:
    from flows.cli import locale_of

    return locale_of(tag)
