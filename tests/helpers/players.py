"""Players in headless Chromium: where they come from, how each is started, what is looked at.

Their versions and digests stand in tests/players; nothing of theirs is run while they are
installed, and nothing of theirs is kept here.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as PageTimeoutError

FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--autoplay-policy=no-user-gesture-required",
)
SCRIPTS: Final = {
    "hls": "hls.js/dist/hls.min.js",
    "shaka": "shaka-player/dist/shaka-player.compiled.js",
    "dash": "dashjs/dist/modern/umd/dash.all.min.js",
    "videojs": "video.js/dist/video.min.js",
}
START: Final = {
    "native": "url => { v.crossOrigin = 'anonymous'; v.src = url; v.play(); }",
    "hls": """url => { const p = window.player = new Hls();
        p.on(Hls.Events.ERROR, (_, e) => { if (e.fatal) errors.push(e.details); });
        p.loadSource(url); p.attachMedia(v); v.play(); }""",
    "shaka": """async url => { shaka.polyfill.installAll();
        const p = window.player = new shaka.Player();
        await p.attach(v); p.addEventListener('error', e => errors.push('' + e.detail.code));
        await p.load(url).catch(e => errors.push('' + e.code)); v.play(); }""",
    "dash": """url => { const p = window.player = dashjs.MediaPlayer().create();
        p.on('error', e => errors.push(JSON.stringify(e.error && e.error.message)));
        p.initialize(v, url, true); }""",
    "videojs": """url => { const p = window.player = videojs(v, {});
        p.on('error', () => errors.push(p.error().message)); p.muted(true);
        p.src({ src: url, type: url.endsWith('mpd') ? 'application/dash+xml'
            : 'application/vnd.apple.mpegurl' }); p.play(); }""",
}
_LOCKED: Final = Path(__file__).parents[1] / "players"
_PLAY_MS: Final = 15_000


def install_players(folder: Path) -> Path:
    """Install them into `folder`; where their packages lie. Skips the test where that fails."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_LOCKED / name, folder)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    call = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240)
    if call.returncode != 0:
        pytest.skip(f"the players cannot be fetched: {call.stderr.strip()[-200:]}")
    return folder / "node_modules"


def open_page(page: Page, origin: str) -> None:
    """An empty page of another origin than the edge's: what plays, plays by its CORS fields."""
    page.goto(f"{origin}/livez")
    page.set_content("<video id=v muted width=320></video>")
    page.evaluate("() => { window.errors = []; window.v = document.getElementById('v'); }")


def start(page: Page, player: str, libraries: Path, url: str) -> None:
    """Let a player play `url` in the page."""
    if player in SCRIPTS:
        page.add_script_tag(path=libraries / SCRIPTS[player])
    page.evaluate(f"url => {{ ({START[player]})(url); }}", url)


def holds(page: Page, claim: str) -> bool:
    """Whether something comes to be true of the video."""
    script = f"() => {{ const v = document.querySelector('video'); return {claim}; }}"
    try:
        page.wait_for_function(script, timeout=_PLAY_MS)
    except PageTimeoutError:
        return False
    return True
