"""The few calls of Prefect's REST API that start, count, follow and cancel runs (docs/api.md shows them with curl).

Plain HTTP rather than Prefect's client: its retries would hold a caller for a minute where we want to say at once that
the server is away, and it does not tell whether a run was created or known. Address and credentials are Prefect's own
settings: PREFECT_API_URL, PREFECT_API_KEY, PREFECT_API_AUTH_STRING, or a profile.
"""

from __future__ import annotations

import base64
import random
import time
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from dub.errors import BadInput, DubError, EngineUnavailable

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 30.0
N_TRIES = 5
BUSY_S = 0.1
"""Before the first further try; then doubled."""
ACTIVE = ("SCHEDULED", "PENDING", "RUNNING", "CANCELLING")


class PrefectAway(DubError):
    """The Prefect server does not answer, or answers 5xx: the same call may succeed later."""

    retryable = True


@dataclass(frozen=True)
class Run:
    """A flow run as the server knows it. `state_type`: Prefect's (`COMPLETED`); `state_name`: ours (`Degraded`)."""

    id: str
    name: str
    state_type: str
    state_name: str
    message: str
    idempotency_key: str
    source_etag: str

    @property
    def has_ended(self) -> bool:
        return self.state_type in ("COMPLETED", "FAILED", "CANCELLED", "CRASHED")


class PrefectApi:
    """One server. Safe for threads. Every call raises PrefectAway, or EngineUnavailable where we may not."""

    def __init__(self) -> None:
        self.url = _settings().api.url
        if not self.url:
            raise EngineUnavailable(
                "no Prefect server is set", mend="start one (prefect server start) and set PREFECT_API_URL"
            )
        self._client = _http_client(self.url)

    def __enter__(self) -> PrefectApi:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def deployment_id(self, name: str) -> str:
        """Of `flow/deployment`. Raises BadInput where there is none."""
        answer = self._call("GET", f"/deployments/name/{name}")
        if answer.status_code == 404:
            raise BadInput(f"there is no deployment {name!r} on {self.url}", mend="prefect deploy --all")
        return str(_json(answer)["id"])

    def create_run(
        self, deployment_id: str, parameters: dict[str, Any], key: str, tags: tuple[str, ...] = ()
    ) -> tuple[Run, bool]:
        """The run of that idempotency key, and whether it is new."""
        asked = {"parameters": parameters, "idempotency_key": key, "tags": list(tags)}
        answer = self._call("POST", f"/deployments/{deployment_id}/create_flow_run", asked)
        return _run(_json(answer)), answer.status_code == 201

    def n_active(self, deployment_id: str) -> int:
        """Runs of the deployment that are scheduled, pending, running or being cancelled."""
        return int(_json(self._call("POST", "/flow_runs/count", _active(deployment_id))))

    def active_runs(self, deployment_id: str, tag: str) -> tuple[Run, ...]:
        asked = _active(deployment_id)
        asked["flow_runs"]["tags"] = {"all_": [tag]}
        return tuple(_run(told) for told in _json(self._call("POST", "/flow_runs/filter", asked)))

    def run(self, run_id: str) -> Run:
        """Raises BadInput where there is none."""
        answer = self._call("GET", f"/flow_runs/{run_id}")
        if answer.status_code in (404, 422):
            raise BadInput(f"there is no flow run {run_id!r} on {self.url}", mend="give the id that submit printed")
        return _run(_json(answer))

    def cancel(self, run_id: str, message: str) -> None:
        """Ask its worker to end it; what no worker has begun ends at once."""
        self.set_state(run_id, {"type": "CANCELLING", "name": "Cancelling", "message": message})

    def set_state(self, run_id: str, state: dict[str, str]) -> None:
        _json(self._call("POST", f"/flow_runs/{run_id}/set_state", {"state": state}))

    def page(self, run_id: str) -> str:
        """Where a person looks at a run."""
        ui = _settings().ui_url or str(self.url).removesuffix("/api")
        return f"{ui}/runs/flow-run/{run_id}"

    def _call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Tried again at once where the server is busy (SQLite answers 503 to writes that meet) or drops the connection
        (it closes one that was idle for 5 s, also under a request just sent): each of our calls may be made twice."""
        import httpx

        for attempt in range(N_TRIES):
            is_last = attempt == N_TRIES - 1
            try:
                answer = self._client.request(method, path, json=body)
            except httpx.HTTPError as error:
                is_dropped = isinstance(error, httpx.ReadError | httpx.WriteError | httpx.RemoteProtocolError)
                if is_last or not is_dropped:
                    raise PrefectAway(f"Prefect at {self.url} does not answer: {type(error).__name__}") from None
            else:
                if is_last or answer.status_code not in (429, 503):
                    break
            time.sleep(BUSY_S * 2**attempt * random.uniform(0.5, 1.5))
        if answer.status_code >= 500 or answer.status_code in (408, 429):
            raise PrefectAway(f"Prefect at {self.url} answers {answer.status_code}")
        if answer.status_code in (401, 403):
            raise EngineUnavailable(
                f"Prefect at {self.url} refuses ({answer.status_code})",
                mend="set PREFECT_API_AUTH_STRING or PREFECT_API_KEY",
            )
        return answer


def _settings() -> Any:
    from prefect.settings import get_current_settings

    return get_current_settings()


def _http_client(url: str) -> httpx.Client:
    import ssl

    import httpx

    api = _settings().api
    headers = {}
    if api.key:
        headers["Authorization"] = f"Bearer {api.key.get_secret_value()}"
    elif api.auth_string:
        headers["Authorization"] = f"Basic {base64.b64encode(api.auth_string.get_secret_value().encode()).decode()}"
    verify: Any = not api.tls_insecure_skip_verify
    if verify and url.startswith("https"):
        verify = ssl.create_default_context(cafile=api.ssl_cert_file)
    return httpx.Client(base_url=url, headers=headers, verify=verify, timeout=TIMEOUT_S, follow_redirects=True)


def _active(deployment_id: str) -> dict[str, Any]:
    return {
        "deployments": {"id": {"any_": [deployment_id]}},
        "flow_runs": {"state": {"type": {"any_": list(ACTIVE)}}},
    }


def _json(answer: httpx.Response) -> Any:
    if answer.status_code >= 400:
        raise BadInput(f"Prefect refuses the call ({answer.status_code}): {answer.text[:500]}")
    return answer.json()


def _run(told: dict[str, Any]) -> Run:
    state = told.get("state") or {}
    job = told.get("parameters", {}).get("job") or {}
    return Run(
        id=told["id"],
        name=told["name"],
        state_type=state.get("type", ""),
        state_name=state.get("name", ""),
        message=state.get("message") or "",
        idempotency_key=told.get("idempotency_key") or "",
        source_etag=job.get("source_etag", ""),
    )
