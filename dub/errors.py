"""Every error that polydub raises on purpose.

DubError                      base; `retryable` says whether trying again can help
├── BadInput                  the user's file, field or option; names it and the mend
│   ├── UnreadableMedia       ffprobe or ffmpeg cannot read it
│   ├── NoSpeech              nothing to dub
│   ├── Superseded            the source has been replaced by a newer one since the job was made
│   └── LanguageNotSupported  the locale, and what is near it
├── EngineUnavailable         a package, tool or capability is missing; says what to install
│   ├── WeightsMissing        `polydub models pull <id>`
│   └── WeightsCorrupt        a file whose digest is wrong
├── EngineFailed              an engine broke on an input it accepts
├── ToolFailed                an external program ended badly; carries the tail of what it said
│   └── ToolKilled            ... because somebody killed it: a person, or a machine out of memory (retryable)
├── ToolTimedOut              ... did not end within its deadline (retryable)
└── StoreUnavailable          the artifact store, or an object in S3, cannot be read or written (retryable)
    ├── StoreRefused          the server says that we may not, or knows no such bucket: trying again cannot help
    ├── StoreCorrupt          an artifact's content is not what its name says: it is made again by the next run
    └── DiskFull              the disk under the store has no room left
"""


class DubError(Exception):
    """Base of polydub's own errors. `retryable`: the same call may succeed later.

    The message may quote a line or name a person: it is for the user's eyes, in the terminal and the report. Class,
    `mend` and `utterance_id` also go to logs (dub/discreet.py), so a mend quotes no line and names nobody.
    """

    retryable = False

    def __init__(self, message: str, *, mend: str = "", utterance_id: str = "") -> None:
        self.mend = mend
        self.utterance_id = utterance_id
        where = f"[{utterance_id}] " if utterance_id else ""
        super().__init__(f"{where}{message}" + (f"\n  mend: {mend}" if mend else ""))


class BadInput(DubError):
    """The user's file, field or option is wrong; the message names it, `mend` says what to do."""


class UnreadableMedia(BadInput):
    """ffprobe or ffmpeg cannot read the file, or it lacks a stream that is needed."""


class NoSpeech(BadInput):
    """Nothing was said in the source, so there is nothing to dub."""


class Superseded(BadInput):
    """The source object has been replaced since the job was made: its dubs would be of another film."""


class RunCancelled(DubError):
    """Somebody ended the run while it was at work."""


class LanguageNotSupported(BadInput):
    """No engine of the plan does this locale; the mend names what is near."""


class EngineUnavailable(DubError):
    """A package, a tool or a capability is missing on this machine."""


class WeightsMissing(EngineUnavailable):
    """The engine's weights have not been pulled."""


class WeightsCorrupt(EngineUnavailable):
    """A weight file's size or digest is not the one in models.lock."""


class EngineFailed(DubError):
    """An engine broke on an input that it accepts."""


class ToolFailed(DubError):
    """An external program ended with an error."""


class ToolKilled(ToolFailed):
    """An external program was killed from outside by SIGKILL or SIGTERM."""

    retryable = True


class ToolTimedOut(DubError):
    """An external program outlived its deadline and was killed."""

    retryable = True


class StoreUnavailable(DubError):
    """The artifact store cannot be read or written."""

    retryable = True


class StoreRefused(StoreUnavailable):
    """S3 says that we may not, or knows no such bucket or object."""

    retryable = False


class StoreCorrupt(StoreUnavailable):
    """An artifact in the bucket has other content than its name says."""

    retryable = False


class DiskFull(StoreUnavailable):
    """The disk that the store, or what stands near of it, lies on has no room left."""

    retryable = False
