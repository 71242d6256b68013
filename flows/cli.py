"""The command line. Nothing heavy is imported before a command needs it: `polydub --help` stays under half a second."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dub.plan import Job
    from flows.outcome import RunReport
    from lang.bcp47 import Locale

EXIT_OK, EXIT_DUB_FAILED, EXIT_BAD_INPUT, EXIT_AWAITS_APPROVAL = 0, 1, 2, 3


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 a language failed, 2 bad input or a missing engine, 3 none
    failed and some await approval."""
    options = build_parser().parse_args(arguments)
    # Stages already fill the cores; BLAS threads under them turned calls of 0.3 s into 8 s. Read when numpy loads.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from dub.errors import DubError

    if getattr(options, "log_json", False):
        os.environ["POLYDUB_LOG"] = "json"
    try:
        return int(options.run(options))
    except DubError as error:
        if _logs_json():
            _log_end(error)
        else:
            print(f"polydub: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except BrokenPipeError:  # the reader of our table has seen enough (`| head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except KeyboardInterrupt:
        print("polydub: stopped; what was finished is kept, run the same command to go on", file=sys.stderr)
        return 130
    except Exception as error:  # a fault of ours: its traceback holds a message, which may hold anything
        if not _logs_json():
            raise
        _log_end(error)
        return EXIT_DUB_FAILED


def _logs_json() -> bool:
    return os.environ.get("POLYDUB_LOG") == "json"


def _log_end(error: Exception) -> None:
    from flows.json_log import write_event_of

    write_event_of(error)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="polydub", description="One talking video in; dubbed, lip-synced, measured videos in many languages out."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    dub = commands.add_parser("dub", help="dub a video into other languages")
    dub.add_argument("source", help="the talking video: a path, or s3://bucket/key")
    add_job_options(dub, required=True)
    dub.add_argument("--prefect", action="store_true", help="run as a Prefect flow; starts a local server if none runs")
    dub.add_argument("--log-json", action="store_true", help="one JSON object per line on stderr, as POLYDUB_LOG=json")
    dub.set_defaults(run=_dub)

    languages = commands.add_parser("languages", help="what can be dubbed into, by which engines")
    languages.add_argument("--profile", default="embedded")
    languages.add_argument("--policy", choices=("permissive", "any"), help="licences allowed (default: the profile's)")
    languages.add_argument("--json", action="store_true")
    languages.set_defaults(run=_languages)

    prove = commands.add_parser(
        "prove-languages", help="one text in every language it exists in, through the whole pipeline, and a table"
    )
    prove.add_argument("--out", type=Path, default=Path("proof"), help="folder for the results (default: proof)")
    prove.add_argument(
        "--only", default="", metavar="LOCALES", help="these languages (default: all that have the text)"
    )
    prove.add_argument("--profile", default="embedded")
    prove.add_argument("--store", type=Path, help="artifact store (default: ~/.cache/polydub/store)")
    prove.set_defaults(run=_prove_languages)

    models = commands.add_parser("models", help="the engines' weights")
    actions = models.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="what models.lock names, its licence, its source, and what is here")
    pull = actions.add_parser("pull", help="fetch, assemble, convert and verify")
    verify = actions.add_parser("verify", help="check every file's digest")
    listing.add_argument("ids", nargs="*", help="model ids (default: all)")
    pull.add_argument("ids", nargs="*", help="model ids (default: those of the profile)")
    pull.add_argument("--profile", default="embedded", help="pull what this profile needs (default: embedded)")
    pull.add_argument(
        "--trust-first", action="store_true",
        help="accept what comes where no digest is known; it is recorded, and held to from then on",
    )  # fmt: skip
    verify.add_argument("ids", nargs="*", help="model ids (default: all that are here)")
    for action in (listing, pull, verify):
        action.set_defaults(run=_models, action=action.prog.rpartition(" ")[2])

    from flows.engines_command import add_engines_command
    from flows.voices_command import add_voices_command

    add_engines_command(commands)

    from flows.batch_command import add_batch_command

    add_batch_command(commands)

    from flows.lipsync_command import add_lipsync_command

    add_lipsync_command(commands)

    from flows.avatar_command import add_avatar_command

    add_avatar_command(commands)

    from flows.score_command import add_score_command

    add_score_command(commands)

    from flows.verify_command import add_verify_command

    add_verify_command(commands)

    from flows.redub_command import add_redub_command

    add_redub_command(commands)

    from flows.table_command import add_table_commands

    add_table_commands(commands)
    add_voices_command(commands)

    from flows.store_command import add_store_command

    add_store_command(commands)
    from flows.submit_command import add_submit_command
    from flows.watch_command import add_watch_command

    add_submit_command(commands)

    add_watch_command(commands)

    doctor = commands.add_parser("doctor", help="what is installed, what is missing, how to mend it")
    doctor.add_argument("--profile", default="embedded")
    doctor.set_defaults(run=_doctor)
    return parser


def add_job_options(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """What is to be done with a source: of `dub`, and of what has it done elsewhere."""
    parser.add_argument("--to", required=required, metavar="LOCALES", help="target locales, e.g. es,pt-BR,ca")
    parser.add_argument("--out", default="out", help="folder for the results, or s3://bucket/prefix (default: out)")
    parser.add_argument("--profile", default="embedded", help="a shipped profile or the path of your own .toml")
    parser.add_argument("--from", dest="source_locale", metavar="LOCALE", help="the language spoken (default: found)")
    parser.add_argument(
        "--script", action="append", default=[], metavar="LOCALE=FILE",
        help="a timed script (.srt .vtt .csv .json): in the source's language it replaces recognition, "
        "in a target's it replaces translation",
    )  # fmt: skip
    parser.add_argument("--speakers", type=_at_least_one, metavar="N", help="how many people speak (default: found)")
    parser.add_argument("--cast", help="who speaks: names, recordings, voices (cast.toml, docs/voices.md)")
    parser.add_argument("--consent", help="who agreed to what (consent.toml, docs/voices.md)")
    parser.add_argument("--memory", help="a translation memory (.tmx .csv): its lines come before any engine's")
    parser.add_argument("--glossary", help="terms and what they must be in each language (.csv .tsv)")
    parser.add_argument("--title", default="", help="name of the results (default: the file's name)")
    parser.add_argument(
        "--store",
        help="artifact store: a folder or s3://bucket/prefix (default: $POLYDUB_STORE, ~/.cache/polydub/store)",
    )
    parser.add_argument(
        "--approve", action="store_true",
        help="speak no language before people have approved all its lines (docs/review-by-people.md)",
    )  # fmt: skip


def _dub(options: argparse.Namespace) -> int:
    return run_job(job_of(options), prefect=options.prefect)


def run_job(job: Job, *, prefect: bool) -> int:
    """Check a job, run it with its progress shown, print how it ended; returns the exit code."""
    from dub.home import cache_home
    from flows.preflight import check

    check(job)
    from flows.console import show_run

    if prefect:
        from flows.prefect_server import local_server

        with local_server() as url:
            print(f"Prefect: {url}")
            from flows.deployed import dub_title
    else:
        from flows.dub_title import dub_title
    with show_run(cache_home() / "native.log"):
        report = dub_title(job)
    print_end(report)
    return exit_code(report)


def print_end(report: RunReport) -> None:
    if not _logs_json():  # its reasons may quote lines; the log has the verdicts
        from flows.console import print_verdicts

        print_verdicts(report)


def exit_code(report: RunReport) -> int:
    if report.verdict == "failed":
        return EXIT_DUB_FAILED
    return EXIT_AWAITS_APPROVAL if report.awaits_approval else EXIT_OK


def job_of(options: argparse.Namespace) -> Job:
    """Raises BadInput naming the option."""
    from dub.errors import BadInput
    from dub.location import absolute
    from dub.plan import Job

    scripts = {}
    for given in options.script:
        tag, separator, path = given.partition("=")
        if not separator or not path:
            raise BadInput(f"--script {given!r} is not LOCALE=FILE", mend="for example --script es=talk.es.srt")
        scripts[locale_of(tag)] = absolute(path)
    targets = tuple(locale_of(tag) for tag in (options.to or "").split(",") if tag.strip())
    if not targets:
        raise BadInput("--to names no locale", mend="for example --to es,pt-BR")
    return Job(
        source=absolute(options.source),
        targets=targets,
        out=absolute(options.out),
        profile=options.profile,
        source_locale=locale_of(options.source_locale) if options.source_locale else None,
        n_speakers=options.speakers,
        scripts=scripts,
        cast=absolute(options.cast) if options.cast else None,
        consent=absolute(options.consent) if options.consent else None,
        memory=absolute(options.memory) if options.memory else None,
        glossary=absolute(options.glossary) if options.glossary else None,
        store=absolute(options.store) if options.store else None,
        title=options.title,
        approval=options.approve,
    )


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of people; give 1 or more")
    return int(text)


def locale_of(tag: str) -> Locale:
    """What the user typed, as a Locale; BadInput with what is near when it is none."""
    from dub.errors import LanguageNotSupported
    from lang.registry import UnknownLanguage, name_of, supported_locale

    try:
        locale = supported_locale(tag)
    except UnknownLanguage as error:
        raise LanguageNotSupported(str(error), mend="`polydub languages` lists what is offered") from error
    if locale != tag.strip() and not _logs_json():
        print(f"  {tag.strip()} is taken as {locale} ({name_of(locale)})", file=sys.stderr)
    return locale


def _prove_languages(options: argparse.Namespace) -> int:
    from dub.home import cache_home
    from flows.console import show_run
    from flows.prove_languages import prove_languages

    only = {locale_of(tag) for tag in options.only.split(",") if tag.strip()}
    out = options.out.absolute()
    with show_run(cache_home() / "native.log"):
        proof = prove_languages(out, profile=options.profile, only=only, store=options.store)
    print("\n".join(f"{number:4} {what}" for what, number in proof.counts.items()))
    print(f"Table: {out / 'proof.md'}")
    return EXIT_DUB_FAILED if proof.counts["failed"] else EXIT_OK


def _languages(options: argparse.Namespace) -> int:
    from flows.language_table import print_languages
    from flows.preflight import read_plan

    print_languages(read_plan(options.profile), policy=options.policy, as_json=options.json)
    return EXIT_OK


def _models(options: argparse.Namespace) -> int:
    from flows.models_command import list_models, pull_models, verify_models

    if options.action == "pull":
        return pull_models(options.ids, options.profile, trust_first=options.trust_first)
    return {"list": list_models, "verify": verify_models}[options.action](options.ids)


def _doctor(options: argparse.Namespace) -> int:
    from flows.doctor import examine

    return EXIT_OK if examine(options.profile) else EXIT_BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
