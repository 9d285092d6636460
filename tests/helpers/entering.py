"""Somebody with a role at an origin that is a process: made as an operator makes the first."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import httpx

from tests.helpers.cluster import CINEDGE, ROOT


def token_of(origin: str, topology: Path, role: str) -> str:
    """The access token of a new account that has the role and a profile."""
    words = ("account", "add", "--role", role, "--link", "root@films.example", "--topology")
    made = subprocess.run(
        [*CINEDGE, *words, str(topology)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    link = re.search(r"token=(\S+)", made.stdout)
    assert link is not None, made.stdout
    with httpx.Client(base_url=origin, timeout=30) as http:

        def ask(path: str, body: dict[str, Any]) -> Any:
            return http.post(path, json=body).raise_for_status().json()

        chosen = {"token": link[1], "password": "correct horse battery"}
        entered = ask("/v1/accounts/reset/confirm", chosen)
        http.headers["Authorization"] = f"Bearer {entered['access_token']}"
        profile = ask("/v1/profiles", {"name": "Root"})
        return str(ask("/v1/sessions/profile", {"profile_id": profile["id"]})["access_token"])
