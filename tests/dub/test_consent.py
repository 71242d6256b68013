"""Consent: what a file says, what it allows on which day, and what is never done without it."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest

from dub.consent import NO_RECORD, ConsentRecords, Purpose, check_consent, setting_of
from dub.errors import BadInput
from lang.bcp47 import Locale

MAY = date(2026, 5, 1)
ES, FR = Locale("es"), Locale("fr")
GOOD = """
[[consent]]
speaker = "anna"
given_by = "Anna Lind"
given_on = 2026-03-01
purposes = ["dubbing", "reuse"]
languages = ["es", "pt-BR"]
until = 2027-03-01
evidence = "release form 17"
evidence_file = "form.pdf"
"""


def _file(folder: Path, text: str = GOOD) -> Path:
    (folder / "form.pdf").write_bytes(b"signed")
    path = folder / "consent.toml"
    path.write_text(text)
    return path


def test_a_record_says_who_when_for_what(tmp_path: Path) -> None:
    (record,) = ConsentRecords.read(_file(tmp_path)).records
    assert (record.speaker, record.given_by, record.given_on) == ("anna", "Anna Lind", date(2026, 3, 1))
    assert record.evidence_sha256 == hashlib.sha256(b"signed").hexdigest()
    words = record.in_words()
    assert words.startswith("given by Anna Lind (as anna) on 2026-03-01 for dubbing, reuse, in es, pt-BR, until 2027")
    assert "release form 17, file sha256 " in words


@pytest.mark.parametrize(
    ("purpose", "locale", "on", "refusal"),
    [
        ("dubbing", "es", MAY, ""),
        ("dubbing", "es-419", MAY, ""),
        ("reuse", "es", date(2027, 3, 1), ""),
        ("dubbing", "fr", MAY, "is for es, pt-BR, not for fr"),
        ("dubbing", "pt-PT", MAY, "is for es, pt-BR, not for pt-PT"),
        ("portrait", "es", MAY, "is for dubbing and reuse, not for portrait"),
        ("dubbing", "es", date(2027, 3, 2), "ended on 2027-03-01"),
        ("dubbing", "es", date(2026, 2, 28), "holds from 2026-03-01 on"),
    ],
)
def test_what_it_allows_and_when(tmp_path: Path, purpose: str, locale: str, on: date, refusal: str) -> None:
    (record,) = ConsentRecords.read(_file(tmp_path)).records
    assert record.refusal(Purpose(purpose), Locale(locale), on) == refusal


def test_of_several_records_the_one_that_allows_it_counts_and_each_refusal_is_said(tmp_path: Path) -> None:
    later = GOOD.replace('["es", "pt-BR"]', '["fr"]').replace("evidence_file", "# evidence_file")
    records = ConsentRecords.read(_file(tmp_path, GOOD + later))
    both = check_consent(records, "Anna", Purpose.DUBBING, (ES, FR, Locale("pt-BR")), MAY)
    assert [record.languages for record in both] == [("es", "pt-BR"), ("fr",)]
    with pytest.raises(BadInput, match=r"is for es, pt-BR, not for de; .*is for fr, not for de"):
        check_consent(records, "anna", Purpose.DUBBING, (Locale("de"),), MAY)


def test_own_voice_runs_without_a_record_unless_one_is_required() -> None:
    none = ConsentRecords()
    assert check_consent(none, "s1", Purpose.DUBBING, (ES,), MAY) == ()
    with pytest.raises(
        BadInput, match=r'dubbing s1 in es needs a consent record: no consent file[\s\S]*speaker is "s1"'
    ):
        check_consent(none, "s1", Purpose.DUBBING, (ES,), MAY, setting="required")


@pytest.mark.parametrize("purpose", [Purpose.PORTRAIT, Purpose.REUSE])
def test_a_portrait_and_a_stored_voice_always_need_one(purpose: Purpose) -> None:
    with pytest.raises(BadInput, match="needs a consent record"):
        check_consent(ConsentRecords(), "s1", purpose, (ES,), MAY)


def test_a_record_that_forbids_it_is_more_than_none(tmp_path: Path) -> None:
    records = ConsentRecords.read(_file(tmp_path))
    with pytest.raises(BadInput, match="not for fr"):
        check_consent(records, "anna", Purpose.DUBBING, (FR,), MAY)


def test_the_only_record_is_the_only_speakers(tmp_path: Path) -> None:
    records = ConsentRecords.read(_file(tmp_path))
    assert check_consent(records, "s1", Purpose.DUBBING, (ES,), MAY) == ()
    assert len(check_consent(records, "s1", Purpose.DUBBING, (ES,), MAY, is_only_speaker=True)) == 1


def test_an_operator_can_make_it_stricter_and_never_laxer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POLYDUB_CONSENT", raising=False)
    assert (setting_of("noted"), setting_of("required")) == ("noted", "required")
    monkeypatch.setenv("POLYDUB_CONSENT", "required")
    assert setting_of("noted") == "required"
    monkeypatch.setenv("POLYDUB_CONSENT", "noted")
    assert setting_of("required") == "required"
    monkeypatch.setenv("POLYDUB_CONSENT", "yes")
    with pytest.raises(BadInput, match="POLYDUB_CONSENT='yes' is neither"):
        setting_of("noted")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("given_on = 2026-03-01\n", ""), "number 1, field 'given_on': Field required"),
        (('"reuse"', '"everything"'), r"field 'purposes\.1'"),
        (("until = 2027", "until = 2025"), "field 'until': 2025-03-01 is before given_on"),
        (("evidence =", "proof ="), "field 'proof'"),
        (("form.pdf", "lost.pdf"), r"field 'evidence_file': .*lost\.pdf does not exist"),
        (('speaker = "anna"\n', ""), "field 'speaker' is missing"),
        (("[[consent]]", "[[agreements]]"), "unknown table 'agreements'"),
        (('"es", ', '"klingon!", '), r"field 'languages\.0'"),
        (("[[consent]]", "[[consent"), "is not TOML"),
    ],
)
def test_a_wrong_file_is_named_with_the_field(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    with pytest.raises(BadInput, match=said) as failed:
        ConsentRecords.read(_file(tmp_path, GOOD.replace(*change)))
    assert "consent.toml" in str(failed.value)
    assert NO_RECORD not in str(failed.value)
