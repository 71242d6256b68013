"""What uploaders may say about their job, and what they may not."""

from __future__ import annotations

import pytest

from dub.errors import BadInput
from dub.job_settings import read_defaults, read_sidecar, read_tags
from dub.location import S3Url

SIDECAR = S3Url("s3://studio/in/acme/talk.polydub.toml")
VIDEO = S3Url("s3://studio/in/acme/talk.mp4")


def test_everything_a_sidecar_may_say() -> None:
    text = """
    targets = ["es", "Catalan"]
    profile = "studio"
    source_locale = "en"
    n_speakers = 2
    title = "Pumps"
    glossary = "terms.csv"
    memory = "shared/house.tmx"
    scripts = { es = "talk.es.srt" }
    """
    settings = read_sidecar(text.encode(), SIDECAR)
    assert settings.targets == ("es", "ca")
    assert settings.glossary == "s3://studio/in/acme/terms.csv"
    assert settings.memory == "s3://studio/in/acme/shared/house.tmx"
    assert settings.scripts == {"es": "s3://studio/in/acme/talk.es.srt"}
    assert (settings.n_speakers, settings.title, settings.profile) == (2, "Pumps", "studio")


@pytest.mark.parametrize("between", [",", " ", "+", ":", "/", ", "])
def test_targets_in_one_text(between: str) -> None:
    assert read_tags({"polydub-to": f"es{between}pt-BR", "team": "x"}, VIDEO).targets == ("es", "pt-BR")


def test_the_first_that_says_something_is_heard() -> None:
    defaults = read_defaults({"targets": ["fr"], "profile": "/etc/polydub/house.toml", "n_speakers": 1}, "watch.toml")
    tags = read_tags({"polydub-to": "de", "polydub-speakers": "2"}, VIDEO)
    sidecar = read_sidecar(b'targets = ["es"]', SIDECAR)
    settings = sidecar.over(tags).over(defaults)
    assert settings.given() == {"targets": ("es",), "n_speakers": 2, "profile": "/etc/polydub/house.toml"}
    assert tags.over(defaults).targets == ("de",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("targets = [", "not TOML"),
        (b"\xff", "not TOML"),
        ('targets = ["klingonn"]', r"field 'targets\.0'.*no language"),
        ('targets = ["es", "es"]', "'targets'.*twice"),
        ("targets = []", "'targets'.*no locale"),
        ('target = ["es"]', r"'target'.*(?s:.*)the fields are targets, profile"),
        ('out = "s3://elsewhere/x"', "'out'"),
        ('store = "/tmp"', "'store'"),
        ("n_speakers = 0", "'n_speakers'"),
        ('profile = "/etc/passwd.toml"', "'profile'"),
        ('profile = "../mine.toml"', "'profile'"),
        ('title = "../../x"', "'title'"),
        ('glossary = "../terms.csv"', "'glossary'.*not beside"),
        ('glossary = "a/../../terms.csv"', "'glossary'.*not beside"),
        ('glossary = "/etc/passwd"', "'glossary'.*not beside"),
        ('glossary = "s3://elsewhere/terms.csv"', "'glossary'.*not beside"),
        ('glossary = "~/terms.csv"', "'glossary'.*not beside"),
        (r"glossary = 'a\..\b'", "'glossary'.*not beside"),
        ("glossary = 3", "'glossary'.*no file's name"),
        ('scripts = { es = "../es.srt" }', r"'scripts\.es'.*not beside"),
        ('scripts = { xqz = "es.srt" }', "'scripts"),
        ("scripts = 3", "'scripts'"),
    ],
)
def test_what_a_sidecar_may_not_say(text: str | bytes, said: str) -> None:
    with pytest.raises(BadInput, match=said) as error:
        read_sidecar(text if isinstance(text, bytes) else text.encode(), SIDECAR)
    assert str(SIDECAR) in str(error.value)
    assert str(error.value).count("mend:") == 1


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"polydub-targets": "es"}, "'polydub-targets' is no tag that we know"),
        ({"polydub-to": ""}, "'targets'"),
        ({"polydub-to": "es", "polydub-speakers": "many"}, "'n_speakers'"),
        ({"polydub-profile": "/etc/x.toml"}, "'profile'"),
    ],
)
def test_what_tags_may_not_say(tags: dict[str, str], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_tags(tags, VIDEO)


def test_defaults_name_places_that_mean_the_same_everywhere() -> None:
    assert read_defaults({"glossary": "/etc/terms.csv", "memory": "s3://house/all.tmx"}, "watch.toml").memory
    with pytest.raises(BadInput, match=r"'glossary'.*relative"):
        read_defaults({"glossary": "terms.csv"}, "watch.toml")
