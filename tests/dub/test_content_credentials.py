"""Content Credentials on real files: signed, read back, tampered with, and by signers that are not fit."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import ffmpeg
import pytest

from dub.content_credentials import Credentials, Maker, Provenance, manifest_of, read_credentials, sign_file
from dub.errors import BadInput
from dub.media import ffmpeg_exe, probe
from dub.signer import CERTIFICATE_VARIABLE, KEY_VARIABLE, Signer, make_test_signer, secrets_of, users_signer
from lang.bcp47 import Locale

VOICE = Maker(does="tts", id="kokoro", version=3, fingerprint="abc", is_trained=True)
LIPS = Maker(does="lipsync", id="exemplar", version=11, is_trained=False)
DUB = Provenance(
    title="talk", locale=Locale("es"), source_locale=Locale("en"), source_sha256="ab" * 32, n_frames=100, n_rendered=40,
    makers=(VOICE, LIPS), consent="anna: given by Anna Lind",
)  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POLYDUB_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def signer(home: Path) -> Signer:
    return make_test_signer()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """lavfi: one second of testsrc2 and a tone."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    picture, sound = (ffmpeg.input(name, f="lavfi") for name in ("testsrc2=s=160x120:r=25:d=1", "sine=d=1"))
    ffmpeg.output(picture, sound, str(path), vcodec="libx264", preset="ultrafast").run(cmd=ffmpeg_exe(), quiet=True)
    return path


def signed(film: Path, folder: Path, signer: Signer, provenance: Provenance = DUB, source: Path | None = None) -> Path:
    out = folder / "signed.mp4"
    sign_file(film, out, provenance, signer, source or film)
    return out


def read(path: Path, anchors: bytes = b"") -> Credentials:
    found = read_credentials(path, anchors)
    assert found is not None
    return found


def test_what_is_signed_is_read_back(film: Path, signer: Signer, tmp_path: Path) -> None:
    out = signed(film, tmp_path, signer)
    told = read(out)
    assert told.state == "valid"
    assert told.provenance == DUB
    assert told.generator.startswith("polydub ")
    assert "polydub test signer" in told.signed_by
    assert told.ingredients == ("talk (source)",)
    assert told.actions == (
        "opened",
        "translated",
        "dubbed by kokoro 3 (trainedAlgorithmicMedia)",
        "edited by exemplar 11 (compositeWithTrainedAlgorithmicMedia)",
    )
    before, after = (probe(path) for path in (film, out))
    assert [s["nb_frames"] for s in after["streams"]] == [s["nb_frames"] for s in before["streams"]]


def test_what_the_picture_says_is_quoted(film: Path, signer: Signer, tmp_path: Path) -> None:
    said = DUB.model_copy(update={"disclosure": "Doblaje con IA: voz y labios sintéticos"})
    told = read(signed(film, tmp_path, signer, said))
    assert told.actions[-1] == "addedText"
    assert told.provenance == said
    assert "addedText" not in read(signed(film, tmp_path, signer)).actions


def test_the_root_that_vouches_makes_it_trusted_and_another_does_not(
    film: Path, signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = signed(film, tmp_path, signer)
    chain, _ = secrets_of(signer)
    assert read(out, chain).state == "trusted"
    monkeypatch.setenv("POLYDUB_HOME", str(tmp_path / "other"))
    others, _ = secrets_of(make_test_signer())
    assert read(out, others).state == "valid"


@pytest.mark.parametrize("where", [0.2, 0.5, 0.9])
def test_one_changed_byte_of_the_film_is_found(film: Path, signer: Signer, tmp_path: Path, where: float) -> None:
    out = signed(film, tmp_path, signer)
    content = bytearray(out.read_bytes())
    start = content.index(b"mdat") + 4
    content[start + int(where * (len(content) - start))] ^= 1
    out.write_bytes(content)
    told = read(out)
    assert told.state == "invalid"
    assert "assertion.bmffHash.mismatch" in told.problems


def test_a_changed_word_of_the_credentials_is_found(film: Path, signer: Signer, tmp_path: Path) -> None:
    out = signed(film, tmp_path, signer)
    content = out.read_bytes()
    assert content.count(b"Anna Lind") == 1
    out.write_bytes(content.replace(b"Anna Lind", b"Anna Lond"))
    told = read(out)
    assert told.state == "invalid"
    assert "assertion.hashedURI.mismatch" in told.problems


def test_another_programs_copy_has_lost_them(film: Path, signer: Signer, tmp_path: Path) -> None:
    out, copy = signed(film, tmp_path, signer), tmp_path / "copy.mp4"
    ffmpeg.input(str(out)).output(str(copy), c="copy").run(cmd=ffmpeg_exe(), quiet=True)
    assert read_credentials(copy) is None


def test_a_sources_own_credentials_are_carried_along(film: Path, signer: Signer, tmp_path: Path) -> None:
    source = signed(film, tmp_path, signer, DUB.model_copy(update={"title": "camera"}))
    (tmp_path / "dub").mkdir()
    out = signed(film, tmp_path / "dub", signer, source=source)
    assert read(out).state == "valid"
    assert b"camera" in out.read_bytes()


def test_a_source_in_a_container_without_credentials_is_named_all_the_same(
    film: Path, signer: Signer, tmp_path: Path
) -> None:
    source = tmp_path / "talk.mkv"
    ffmpeg.input(str(film)).output(str(source), c="copy").run(cmd=ffmpeg_exe(), quiet=True)
    told = read(signed(film, tmp_path, signer, source=source))
    assert (told.state, told.ingredients) == ("valid", ("talk (source)",))


def test_a_portrait_is_created_and_a_voice_by_rules_is_not_trained() -> None:
    robot = Maker(does="tts", id="espeak-ng", version=1, is_trained=False)
    portrait = DUB.model_copy(update={"is_portrait": True, "makers": (robot,), "source_locale": Locale("es")})
    actions = manifest_of(portrait)["assertions"][0]["data"]["actions"]
    assert [each["action"] for each in actions] == ["c2pa.created", "c2pa.placed", "c2pa.dubbed", "c2pa.edited"]
    assert actions[2]["digitalSourceType"].endswith("/algorithmicMedia")
    kept = manifest_of(DUB.model_copy(update={"n_rendered": 0}))["assertions"][0]["data"]["actions"]
    assert [each["action"] for each in kept] == ["c2pa.opened", "c2pa.translated", "c2pa.dubbed"]


def test_no_credentials_is_none_and_no_film_is_said(film: Path, tmp_path: Path) -> None:
    assert read_credentials(film) is None
    (tmp_path / "text.mp4").write_text("not a film")
    with pytest.raises(BadInput, match=r"text\.mp4"):
        read_credentials(tmp_path / "text.mp4")


def test_the_test_signer_is_kept_and_its_key_is_nobody_elses(home: Path) -> None:
    signer = make_test_signer()
    assert signer.is_test
    assert make_test_signer() == signer
    assert (home / "c2pa-test.key").stat().st_mode & 0o077 == 0
    (home / "c2pa-test.pem").write_text("spoiled")
    assert make_test_signer().certificate_sha256 != signer.certificate_sha256


def test_users_files_that_do_not_fit_are_named(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refused(why: str) -> None:
        with pytest.raises(BadInput, match=why) as caught:
            users_signer()
        assert "PRIVATE" not in str(caught.value)

    make_test_signer()
    certificate, key = home / "c2pa-test.pem", home / "c2pa-test.key"
    refused(f"{CERTIFICATE_VARIABLE} is not set")
    monkeypatch.setenv(CERTIFICATE_VARIABLE, str(certificate))
    refused(f"{KEY_VARIABLE} is not set")
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "gone.key"))
    refused(r"cannot read the private key .*gone\.key")
    monkeypatch.setenv(KEY_VARIABLE, str(certificate))
    refused("is no PEM key without a passphrase")
    other = tmp_path / "other.key"
    shutil.copy(key, other)
    monkeypatch.setenv(KEY_VARIABLE, str(other))
    assert not users_signer().is_test
    with pytest.raises(BadInput, match=r"holds from \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d, not today"):
        users_signer(datetime.now(UTC) + timedelta(days=400))
    certificate.write_text("spoiled")
    make_test_signer()
    refused(r"is not that of the certificate")
    certificate.write_text("spoiled")
    refused("is no PEM certificate")


def test_a_certificate_that_changed_meanwhile_signs_nothing(home: Path, film: Path, tmp_path: Path) -> None:
    signer = make_test_signer()
    (home / "c2pa-test.pem").write_text("another")
    with pytest.raises(BadInput, match="has changed since the run began"):
        signed(film, tmp_path, signer)
