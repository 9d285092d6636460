"""A page that was loaded anew had lost its session: it asked for one without the cookie."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest

import origin as package
from origin.domains.accounts.shapes import Refreshing

API = Path(package.__file__).parent / "web" / "api.js"
PROGRAM = """
globalThis.fetch = async (url, asked) => {
  console.log(JSON.stringify({ url, ...asked }));
  return new Response('{"access_token": "new"}');
};
const { renew } = await import("data:text/javascript;base64,%s");
await renew();
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_session_is_renewed_by_the_cookie() -> None:
    source = PROGRAM % base64.b64encode(API.read_bytes()).decode()
    command = ["node", "--input-type=module"]
    call = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    assert call.returncode == 0, call.stderr
    asked = json.loads(call.stdout)
    assert (asked["method"], asked["url"]) == ("POST", "/v1/sessions/refresh")
    assert Refreshing.model_validate_json(asked["body"]).cookie
