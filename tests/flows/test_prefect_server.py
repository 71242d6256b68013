"""The server of this machine, as a process finds it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

from tests.flows.watching import ROOT


def test_a_process_that_imported_prefect_before_uses_it_too(prefect_server: str) -> None:
    """Prefect reads the environment when it is imported; unaware of our server it starts one of its own."""
    program = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from prefect.settings import get_current_settings
        from flows.prefect_server import local_server
        assert get_current_settings().api.url is None
        with local_server(Path(sys.argv[1])):
            print(get_current_settings().api.url)
        """
    )
    home = os.environ["PREFECT_HOME"]
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    found = subprocess.run(
        [sys.executable, "-c", program, home], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert found.stdout.strip() == prefect_server, found.stderr
