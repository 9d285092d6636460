"""Reports of players are counted once, under their titles, in bounded memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cdnkit.cmcd import Report
from cdnkit.playing import OTHER, Playing, describe, total_of


def test_a_title_knows_its_sessions_and_how_many_starved() -> None:
    playing = Playing()
    for session, starved in (("a", False), ("a", True), ("a", True), ("b", False)):
        playing.take("film", Report(session, starved=starved), 0.0)
    playing.take("other film", Report("a"), 0.0)
    told = describe(playing.by_title["film"])
    assert (told["reports"], told["sessions"], told["starved_sessions"]) == (4, 2, 1)
    assert (told["starved"], told["rebuffering"]) == (2, 0.5)
    assert describe(playing.by_title["other film"])["rebuffering"] == 0.0


def test_means_and_the_histogram_are_of_what_was_said() -> None:
    playing = Playing()
    for buffer_ms in (0, 500, 501, 60_001):
        playing.take("film", Report(buffer_ms=buffer_ms, bitrate_kbps=1000), 0.0)
    playing.take("film", Report(stream="l", kind="v", rate=2.0, startup=True), 0.0)
    told = describe(playing.by_title["film"])
    assert told["buffer_ms_at_most"]["500"] == 2
    assert told["buffer_ms_at_most"]["1000"] == told["buffer_ms_at_most"]["60000"] == 3
    assert told["buffer_ms_at_most"]["inf"] == 4
    assert (told["buffer_ms_mean"], told["bitrate_kbps_mean"]) == (15250.5, 1000)
    assert told["throughput_kbps_mean"] is None
    assert (told["streams"]["l"], told["objects"]["v"]) == (1, 1)
    assert (told["other_rate"], told["startup"]) == (1, 1)


def test_titles_beyond_the_places_share_one_until_a_place_is_quiet() -> None:
    playing = Playing(titles_max=2)
    for title in "abc":
        playing.take(title, Report(), 0.0)
    playing.take("a", Report(), 900.0)
    assert set(playing.by_title) == {"a", "b", OTHER}
    playing.take("c", Report(), 901.0)
    assert set(playing.by_title) == {"a", "c", OTHER}
    assert playing.by_title[OTHER]["reports"] == 2


def test_sessions_are_forgotten_from_the_oldest_on() -> None:
    playing = Playing(sessions_max=2)
    for session in ("a", "b", "a", "c", "b"):
        playing.take("film", Report(session), 0.0)
    assert playing.by_title["film"]["sessions"] == 4


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans(), st.integers(0, 10**5))),
    st.integers(1, 4),
)
def test_no_report_is_lost(told: list[tuple[str, bool, int]], titles_max: int) -> None:
    playing = Playing(titles_max)
    for at, (title, starved, buffer_ms) in enumerate(told):
        playing.take(title, Report(starved=starved, buffer_ms=buffer_ms), at * 400.0)
    total = total_of(playing.by_title.values())
    assert total["reports"] == len(told)
    assert total["starved"] == sum(starved for _, starved, _ in told)
    assert total["buffer_ms_sum"] == sum(buffer_ms for _, _, buffer_ms in told)
    assert len(playing.by_title) <= titles_max + 1
