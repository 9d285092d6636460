"""hls.js, Shaka Player, dash.js, video.js and the browser alone play and seek through an edge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.helpers.cluster import Cluster
from tests.helpers.playback import Played, publish
from tests.helpers.players import holds, open_page, start

pytestmark = pytest.mark.timeout(300)  # the players are fetched by the first test that wants one

CASES = [
    ("native", "progressive"),
    ("native", "hls"),
    ("hls", "hls"),
    ("shaka", "hls"),
    ("videojs", "hls"),
    ("shaka", "dash"),
    ("dash", "dash"),
    ("videojs", "dash"),
    ("shaka", "dash_indexed"),
    ("dash", "dash_indexed"),
    ("videojs", "dash_indexed"),
]
SUBTITLES = (
    "WEBVTT\n\n00:00.000 --> 00:20.000\nFirst words\n\n00:20.000 --> 00:29.000\nLast words\n"
)
# How each is told to show the first subtitle.
SHOW = {
    "hls": "() => { player.subtitleTrack = 0; player.subtitleDisplay = true; }",
    "shaka": "() => { player.selectTextTrack(player.getTextTracks()[0]); }",
    "dash": "() => { player.setTextTrack(0); }",
    "videojs": """() => { for (const track of Array.from(player.textTracks()))
        if (track.kind === 'subtitles') track.mode = 'showing'; }""",
}
OFFERED = {
    "hls": "player.subtitleTracks.length > 0",
    "shaka": "player.getTextTracks().length > 0",
    "dash": "player.getTracksFor('text').length > 0",
    "videojs": "Array.from(player.textTracks() ?? []).some(track => track.kind === 'subtitles')",
}
SHOWN = """[...document.querySelector('video').textTracks].some(track => track.mode !== 'disabled'
    && [...track.activeCues ?? []].some(cue => cue.text.includes('Last words')))"""
VIDEOJS_SHOWN = """Array.from(player.textTracks()).some(track => Array.from(track.activeCues ?? [])
    .some(cue => cue.text.includes('Last words')))"""


@pytest.fixture(scope="module")
def played(cluster: Cluster, film: Path) -> Played:
    subtitles = [("en", "English", SUBTITLES)]
    return publish(cluster, "players", film, "edge-fra", subtitles)


@pytest.fixture
def page(browser: Browser, cluster: Cluster) -> Iterator[Page]:
    page = browser.new_page()
    open_page(page, cluster.origin)
    yield page
    page.close()


@pytest.mark.parametrize(("player", "form"), CASES)
def test_player_plays_and_seeks(
    player: str, form: str, played: Played, page: Page, libraries: Path
) -> None:
    if player == "native" and form == "hls":
        kind = "application/vnd.apple.mpegurl"
        if not page.evaluate(f"() => v.canPlayType('{kind}')"):
            pytest.skip("this browser plays no HLS by itself")
    start(page, player, libraries, played.url(form))
    assert holds(page, "v.currentTime > 1"), page.evaluate("() => errors")
    assert page.evaluate("() => document.querySelector('video').buffered.start(0)") < 0.05
    page.evaluate("() => { const v = document.querySelector('video'); v.currentTime = 21; }")
    assert holds(page, "v.currentTime > 22 && !v.seeking"), page.evaluate("() => errors")
    assert page.evaluate("() => errors") == []
    sound = page.evaluate("() => document.querySelector('video').webkitAudioDecodedByteCount")
    assert sound > 0
    assert page.evaluate("() => document.querySelector('video').videoWidth") == 640


@pytest.mark.parametrize(
    ("player", "form"),
    [("hls", "hls"), ("shaka", "hls"), ("videojs", "hls"), ("shaka", "dash"), ("dash", "dash")],
)
def test_player_shows_subtitles_after_a_seek(
    player: str, form: str, played: Played, page: Page, libraries: Path
) -> None:
    start(page, player, libraries, played.url(form))
    assert holds(page, f"v.currentTime > 0.5 && {OFFERED[player]}"), page.evaluate("() => errors")
    page.evaluate(SHOW[player])
    page.evaluate("() => { const v = document.querySelector('video'); v.currentTime = 21; }")
    assert holds(page, VIDEOJS_SHOWN if player == "videojs" else SHOWN)
    assert page.evaluate("() => errors") == []
