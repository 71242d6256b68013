"""What an upload leads to: on a real S3 server, with runs of a real Prefect server."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dub.bucket import Bucket, s3_client
from dub.errors import DubError, StoreRefused
from dub.location import S3Url
from dub.plan import Job
from flows.answer_upload import Led, Starter, answer_upload
from flows.prefect_api import PrefectApi
from flows.uploads import Upload
from flows.wanted_run import wanted_run
from lang.bcp47 import Locale
from tests.flows.watching import Watched, watched  # noqa: F401  (fixture)


def led(watched: Watched, body: str) -> list[str]:  # noqa: F811
    return [answer.led.value for answer in watched.answer(body)]


def test_an_upload_starts_a_run_of_the_job_that_the_prefix_says(watched: Watched) -> None:  # noqa: F811
    watched.defaults = 'targets = ["es", "pt-BR"]\nsource_locale = "en"\nglossary = "/etc/terms.csv"'
    [answer] = watched.answer(watched.put("acme/My talk ä+b.mp4"))
    assert answer.led is Led.STARTED
    [run] = watched.runs()
    assert run["id"] == answer.run_id
    job = Job.model_validate(run["parameters"]["job"])
    assert job.source == watched.bucket / "in/acme/My talk ä+b.mp4"
    assert job.out == watched.bucket / "out/acme/My talk ä+b"
    assert (job.targets, job.source_locale, job.glossary) == (("es", "pt-BR"), "en", Path("/etc/terms.csv"))
    stored = Bucket(watched.bucket.bucket).head("in/acme/My talk ä+b.mp4")
    assert stored is not None
    assert job.source_etag == stored.etag
    assert str(job.source) in run["tags"]
    assert watched.api.n_active(watched.deployment_id) == 1


def test_one_event_delivered_five_times_at_once_is_one_run(watched: Watched) -> None:  # noqa: F811
    watched.put("talk.mp4")
    settings, together = watched.settings, threading.Barrier(5)

    def deliver(number: int) -> str:
        with PrefectApi() as api:  # a process of its own, as far as the server can tell
            starter = Starter(api, watched.deployment)
            together.wait()
            [answer] = answer_upload(watched.upload("talk.mp4"), settings, starter)
            return answer.led.value

    with ThreadPoolExecutor(5) as pool:
        assert sorted(pool.map(deliver, range(5))) == ["known"] * 4 + ["started"]
    assert len(watched.runs()) == 1


def test_events_in_any_order_come_to_the_same(watched: Watched) -> None:  # noqa: F811
    events = [watched.put("talk.mp4", content) for content in (b"first", b"second", b"third")]
    events += events
    random.Random(7).shuffle(events)
    assert sorted(led(watched, event)[0] for event in events) == ["known"] * 5 + ["started"]
    [job] = watched.jobs()
    stored = Bucket(watched.bucket.bucket).head("in/talk.mp4")
    assert stored is not None
    assert job["source_etag"] == stored.etag, "the newest, whichever event came last"


def test_another_content_or_version_is_another_run(watched: Watched) -> None:  # noqa: F811
    assert led(watched, watched.put("talk.mp4", b"first")) == ["started"]
    assert led(watched, watched.put("talk.mp4", b"second")) == ["started"]
    assert led(watched, watched.put("talk.mp4", b"second")) == ["known"], "without versions content alone tells"
    status = {"Status": "Enabled"}
    s3_client().put_bucket_versioning(Bucket=watched.bucket.bucket, VersioningConfiguration=status)
    assert led(watched, watched.put("talk.mp4", b"second")) == ["started"]
    assert led(watched, watched.put("talk.mp4", b"second")) == ["started"]


def test_what_waits_for_its_worker_is_superseded_by_the_newer(watched: Watched) -> None:  # noqa: F811
    watched.answer(watched.put("talk.mp4", b"first"))
    watched.answer(watched.put("talk.mp4", b"second"))
    states = {run["parameters"]["job"]["source_etag"]: run["state"]["name"] for run in watched.runs()}
    assert sorted(states.values()) == ["Scheduled", "Superseded"]
    stored = Bucket(watched.bucket.bucket).head("in/talk.mp4")
    assert stored is not None
    assert states[stored.etag] == "Scheduled"


def test_what_is_nobodys_leads_to_nothing(watched: Watched) -> None:  # noqa: F811
    assert led(watched, watched.put("notes.txt")) == ["ignored"]
    body = watched.put("gone.mp4")
    s3_client().delete_object(Bucket=watched.bucket.bucket, Key="in/gone.mp4")
    assert led(watched, body) == ["gone"]
    Bucket(watched.bucket.bucket).write_bytes("out/talk/talk.es.mp4", b"ours")
    assert led(watched, body.replace("in%2Fgone.mp4", "out%2Ftalk%2Ftalk.es.mp4")) == ["ignored"]
    watched.defaults = ""
    assert led(watched, watched.put("talk.mp4")) == ["no settings"]
    assert watched.runs() == []


def test_a_bucket_that_we_may_not_read_is_an_error(watched: Watched) -> None:  # noqa: F811
    theirs = watched.settings.watch[0].model_copy(update={"uploads": "s3://no-such-bucket/in"})
    settings = watched.settings.model_copy(update={"watch": (theirs,)})
    sidecar = Upload(S3Url("s3://no-such-bucket/in/talk.polydub.toml"))
    with pytest.raises(StoreRefused, match="no-such-bucket"):
        answer_upload(sidecar, settings, Starter(watched.api, watched.deployment))


def test_sidecar_over_tags_over_defaults(watched: Watched) -> None:  # noqa: F811
    watched.defaults = 'targets = ["fr"]\nprofile = "studio"\nn_speakers = 1'
    watched.put("talk.polydub.toml", b'targets = ["es"]\nglossary = "terms.csv"')
    watched.put("terms.csv")
    watched.answer(watched.put("talk.mp4", tags="polydub-to=de&polydub-speakers=2&team=x"))
    [job] = watched.jobs()
    assert (job["targets"], job["n_speakers"], job["profile"]) == (["es"], 2, "studio")
    assert job["glossary"] == f"{watched.bucket}/in/terms.csv"
    watched.answer(watched.put("tagged.mp4", tags="polydub-to=de%20pt-BR"))
    assert watched.jobs()[1]["targets"] == ["de", "pt-BR"]
    watched.answer(watched.put("plain.mp4"))
    assert watched.jobs()[2]["targets"] == ["fr"]


def test_a_sidecar_before_after_and_again(watched: Watched) -> None:  # noqa: F811
    watched.defaults = ""
    early = watched.put("early.polydub.toml", b'targets = ["es"]')
    assert led(watched, early) == ["waiting"]
    assert led(watched, watched.put("early.mp4")) == ["started"]
    assert led(watched, early) == ["known"]

    assert led(watched, watched.put("late.mp4")) == ["no settings"]
    sidecar = watched.put("late.polydub.toml", b'targets = ["es"]')
    assert led(watched, sidecar) == ["started"]
    other = watched.put("late.polydub.toml", b'targets = ["es", "fr"]')
    assert led(watched, other) == ["started"]
    states = [run["state"]["name"] for run in watched.runs() if "late" in run["parameters"]["job"]["source"]]
    assert sorted(states) == ["Scheduled", "Superseded"]


def test_a_run_at_work_with_other_settings_is_cancelled(watched: Watched) -> None:  # noqa: F811
    [answer] = watched.answer(watched.put("talk.mp4"))
    watched.api.set_state(answer.run_id, {"type": "PENDING"})
    watched.api.set_state(answer.run_id, {"type": "RUNNING"})
    assert led(watched, watched.put("talk.polydub.toml", b'targets = ["fr"]')) == ["started"]
    run = watched.api.run(answer.run_id)
    assert run.state_name == "Cancelling"
    assert run.message.startswith("superseded")


@pytest.mark.parametrize(
    ("sidecar", "said"),
    [
        (b'targets = ["klingonn"]', "'targets.0'"),
        (b"targets = [", "not TOML"),
        (b'targets = ["es"]\nglossary = "terms.csv"', "glossary: there is no object"),
        (b'targets = ["es"]\nprofile = "nosuch"', "'nosuch'"),
        (b'targets = ["es"]\nglossary = "../../terms.csv"', "not beside"),
        (b"#" * 70_000, "65536 are the most"),
        (b'source_locale = "en"', "into which languages"),
    ],
)
def test_a_bad_sidecar_is_told_beside_the_results_and_a_corrected_one_starts(
    watched: Watched, sidecar: bytes, said: str  # noqa: F811
) -> None:  # fmt: skip
    watched.defaults = ""
    watched.put("acme/talk.polydub.toml", sidecar)
    body = watched.put("acme/talk.mp4")
    assert led(watched, body) == ["bad settings"]
    assert watched.names("out/") == {"out/acme/talk/talk.polydub-error.txt"}
    text = Bucket(watched.bucket.bucket).read_bytes("out/acme/talk/talk.polydub-error.txt")
    assert text is not None
    assert said in text.decode()
    assert "mend:" in text.decode()
    assert watched.runs() == []
    assert led(watched, watched.put("acme/talk.polydub.toml", b'targets = ["es"]')) == ["started"]
    assert watched.names("out/") == set(), "what was mended is not complained of any more"


def test_two_videos_of_one_name_would_overwrite_each_other(watched: Watched) -> None:  # noqa: F811
    watched.put("talk.mp4")
    assert led(watched, watched.put("talk.mov")) == ["bad settings"]
    text = Bucket(watched.bucket.bucket).read_bytes("out/talk/talk.polydub-error.txt")
    assert b"talk.mov, talk.mp4 are one title" in (text or b"")
    assert led(watched, watched.put("talk2.mp4")) == ["started"], "a name that begins alike is another"


def test_a_key_is_of_everything_that_the_job_names(watched: Watched) -> None:  # noqa: F811
    bucket = watched.bucket
    watched.put("talk.mp4")
    watched.put("es.srt", b"one")
    job = Job(
        source=bucket / "in/talk.mp4", targets=(Locale("es"),), out=bucket / "out",
        scripts={Locale("es"): bucket / "in/es.srt"},
    )  # fmt: skip
    key = wanted_run(job).key
    assert wanted_run(job).key == key
    assert wanted_run(job.model_copy(update={"targets": (Locale("fr"),)})).key != key
    assert wanted_run(job, salt="again").key != key
    watched.put("es.srt", b"two")
    assert wanted_run(job).key != key
    with pytest.raises(DubError, match=r"scripts\.es: there is no object"):
        wanted_run(job.model_copy(update={"scripts": {Locale("es"): bucket / "in/gone.srt"}}))
