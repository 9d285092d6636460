"""The public suite http-tests/cache-tests, driven from a checkout that is not part of this project.

Node runs its origin and its client; what they say is read here. A test of the suite passes when it
says so and every test it builds on passes, as in the suite's own reports.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT_VARIABLE = "CINEDGE_CACHE_TESTS"
_LIMIT_SECONDS = 540.0
_LISTENING = re.compile(rb"Listening on \S*:([0-9]+)/")


@dataclass(frozen=True, slots=True)
class CacheSuite:
    """A checkout with its npm dependencies installed."""

    folder: Path

    @contextlib.asynccontextmanager
    async def origin(self, scratch: Path) -> AsyncIterator[str]:
        """The suite's origin server; its base URL."""
        server = await self._node(
            "server/server.mjs",
            npm_config_port="0",
            npm_config_protocol="http",
            npm_config_pidfile=str(scratch / "pid"),
        )
        assert server.stdout is not None
        try:
            async with asyncio.timeout(_LIMIT_SECONDS):
                while (found := _LISTENING.search(await server.stdout.readline())) is None:
                    assert server.returncode is None, "the suite's origin ended"
            yield f"http://127.0.0.1:{int(found[1])}"
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            await server.wait()

    async def verdicts(self, base: str) -> dict[str, dict[str, bool]]:
        """Whether each test passes at `base`, by kind (required, optimal, check) and id."""
        tests = await self._output("export.mjs")
        results = await self._output(
            "cli.mjs", npm_config_base=base, npm_config_id="", npm_package_config_id=""
        )
        known = {test["id"]: test for group in tests for test in group["tests"]}

        def passes(name: str) -> bool:
            needed = known[name].get("depends_on", ())
            return results.get(name) is True and all(passes(each) for each in needed)

        found: dict[str, dict[str, bool]] = {}
        for name, test in known.items():
            if not test.get("browser_only"):
                found.setdefault(test.get("kind", "required"), {})[name] = passes(name)
        return found

    async def _output(self, program: str, **environ: str) -> Any:
        process = await self._node(program, **environ)
        try:
            async with asyncio.timeout(_LIMIT_SECONDS):
                text, _ = await process.communicate()
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        assert process.returncode == 0, f"{program} ended with {process.returncode}"
        return json.loads(text[min(text.index(b"{"), text.find(b"[") % (len(text) + 1)) :])

    async def _node(self, program: str, **environ: str) -> asyncio.subprocess.Process:
        kept = {name: text for name, text in os.environ.items() if "proxy" not in name.lower()}
        return await asyncio.create_subprocess_exec(
            "node",
            "--no-warnings",
            str(self.folder / "test-engine" / program),
            cwd=self.folder,
            env={**kept, **environ},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
