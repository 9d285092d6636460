"""hls.js, Shaka Player, dash.js, video.js and the browser alone play and seek through an edge."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import TimeoutError as PageTimeoutError

from tests.helpers.cluster import Cluster
from tests.helpers.playback import Played, publish

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--autoplay-policy=no-user-gesture-required",
]
PACKAGES = ("hls.js@1.7.4", "shaka-player@5.2.12", "dashjs@5.2.1", "video.js@8.24.1")
SCRIPTS = {
    "hls": "hls.js/dist/hls.min.js",
    "shaka": "shaka-player/dist/shaka-player.compiled.js",
    "dash": "dashjs/dist/modern/umd/dash.all.min.js",
    "videojs": "video.js/dist/video.min.js",
}
START = {
    "native": "url => { v.crossOrigin = 'anonymous'; v.src = url; v.play(); }",
    "hls": """url => { const p = new Hls();
        p.on(Hls.Events.ERROR, (_, e) => { if (e.fatal) errors.push(e.details); });
        p.loadSource(url); p.attachMedia(v); v.play(); }""",
    "shaka": """async url => { shaka.polyfill.installAll(); const p = new shaka.Player();
        await p.attach(v); p.addEventListener('error', e => errors.push('' + e.detail.code));
        await p.load(url).catch(e => errors.push('' + e.code)); v.play(); }""",
    "dash": """url => { const p = dashjs.MediaPlayer().create();
        p.on('error', e => errors.push(JSON.stringify(e.error && e.error.message)));
        p.initialize(v, url, true); }""",
    "videojs": """url => { const p = videojs(v, {});
        p.on('error', () => errors.push(p.error().message)); p.muted(true);
        p.src({ src: url, type: url.endsWith('mpd') ? 'application/dash+xml'
            : 'application/vnd.apple.mpegurl' }); p.play(); }""",
}
CASES = [
    ("native", "progressive"),
    ("native", "hls"),
    ("hls", "hls"),
    ("shaka", "hls"),
    ("videojs", "hls"),
    ("shaka", "dash"),
    ("dash", "dash"),
    ("videojs", "dash"),
]
PLAY_MS = 15_000


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The players, from their registry, without running anything of theirs."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("players")
    command = [npm, "i", "--ignore-scripts", "--no-audit", "--no-fund", *PACKAGES]
    call = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
    if call.returncode != 0:
        pytest.skip(f"the players cannot be fetched: {call.stderr.strip()[-200:]}")
    return folder / "node_modules"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def played(cluster: Cluster, film: Path) -> Played:
    return publish(cluster, "players", film, "edge-fra")


@pytest.fixture
def page(browser: Browser, cluster: Cluster) -> Iterator[Page]:
    """An empty page of another origin than the edge's: what plays, plays by its CORS fields."""
    page = browser.new_page()
    page.goto(f"{cluster.origin}/livez")
    page.set_content("<video id=v muted width=320></video>")
    page.evaluate("() => { window.errors = []; window.v = document.getElementById('v'); }")
    yield page
    page.close()


def holds(page: Page, claim: str) -> bool:
    """Whether something comes to be true of the video."""
    script = f"() => {{ const v = document.querySelector('video'); return {claim}; }}"
    try:
        page.wait_for_function(script, timeout=PLAY_MS)
    except PageTimeoutError:
        return False
    return True


@pytest.mark.parametrize(("player", "form"), CASES)
def test_player_plays_and_seeks(
    player: str, form: str, played: Played, page: Page, libraries: Path
) -> None:
    if player in SCRIPTS:
        page.add_script_tag(path=libraries / SCRIPTS[player])
    if player == "native" and form == "hls":
        kind = "application/vnd.apple.mpegurl"
        if not page.evaluate(f"() => v.canPlayType('{kind}')"):
            pytest.skip("this browser plays no HLS by itself")
    page.evaluate(f"url => {{ ({START[player]})(url); }}", played.url(form))
    assert holds(page, "v.currentTime > 1"), page.evaluate("() => errors")
    assert page.evaluate("() => document.querySelector('video').buffered.start(0)") < 0.05
    page.evaluate("() => { const v = document.querySelector('video'); v.currentTime = 21; }")
    assert holds(page, "v.currentTime > 22 && !v.seeking"), page.evaluate("() => errors")
    assert page.evaluate("() => errors") == []
    sound = page.evaluate("() => document.querySelector('video').webkitAudioDecodedByteCount")
    assert sound > 0
    assert page.evaluate("() => document.querySelector('video').videoWidth") == 640
