"""What becomes of an upstream's answer: a verdict for every kind, and fresh only if it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cdnkit.errors import UpstreamError
from cdnkit.freshness import CDN, State, judge
from edge.cache.disk import Disk
from edge.cache.holdings import Holdings
from edge.cache.records import BLOCKS_MAX
from edge.entry import Entry
from edge.question import Question
from edge.storing import AskForAll, Keep, KeepLater, Known, PassOn, Storing
from tests.edge.made import BLOCK, a_request, an_answer, lent

KEPT = "Cache-Control: max-age=60"
TAG = 'ETag: "x"'
WHOLE = "Content-Length: 1000"
PART = ("Content-Length: 500", "Content-Range: bytes 0-499/1000")
FIRST = (0, 500)


@pytest.fixture
async def holdings(tmp_path: Path) -> AsyncIterator[Holdings]:
    """Holdings with nothing in them."""
    made = Holdings([Disk(tmp_path / "cache", 1 << 20)], asyncio.get_running_loop())
    await made.load()
    yield made
    await made.close()


@pytest.fixture
def storing(holdings: Holdings) -> Storing:
    """Keeps content in blocks of 100 bytes."""
    return Storing(holdings, lambda _: CDN, BLOCK)


def question(asked: tuple[int, int] | None = None, *lines: str, epoch: int = 0) -> Question:
    return Question(b"/a", a_request(*lines), (), asked, epoch)


Verdict = tuple[Any, ...]
KEEP_WHOLE: Verdict = (Keep, 0, 1000, False)

VERDICTS: dict[str, tuple[int, tuple[str, ...], tuple[int, int] | None, Verdict]] = {
    "a whole": (200, (WHOLE, TAG, KEPT), None, KEEP_WHOLE),
    "a whole without a tag": (200, (WHOLE, KEPT), None, (Keep, 0, 1000, True)),
    "a whole for a part": (200, (WHOLE, TAG, KEPT), FIRST, (Keep, 0, 1000, True)),
    "the part": (206, (*PART, TAG, KEPT), FIRST, (Keep, 0, 500, False)),
    "the part, being all there is": (
        206,
        ("Content-Length: 300", "Content-Range: bytes 0-299/300", TAG, KEPT),
        FIRST,
        (Keep, 0, 300, False),
    ),
    "another part": (206, (*PART, TAG, KEPT), (500, 1000), (AskForAll, False)),
    "a part of a whole of no known length": (
        206,
        ("Content-Length: 500", "Content-Range: bytes 0-499/*", TAG, KEPT),
        FIRST,
        (AskForAll, False),
    ),
    "a part that says nothing": (206, ("Content-Length: 500", TAG), FIRST, (AskForAll, False)),
    "a part without a tag": (206, (*PART, KEPT), FIRST, (AskForAll, False)),
    "a part with a weak tag": (206, (*PART, 'ETag: W/"x"', KEPT), FIRST, (AskForAll, False)),
    "of unannounced length": (200, ("Transfer-Encoding: chunked", KEPT), None, (KeepLater,)),
    "ended by the close": (200, (KEPT,), FIRST, (KeepLater,)),
    "a stored failure": (404, ("Content-Length: 4", KEPT), None, (Keep, 0, 4, True)),
    "no-store": (200, (WHOLE, TAG, "Cache-Control: no-store"), None, (PassOn, True)),
    "no-store for a part": (
        206,
        (*PART, TAG, "Cache-Control: no-store"),
        FIRST,
        (AskForAll, True),
    ),
    "a private whole for a part": (
        200,
        (WHOLE, "Cache-Control: private"),
        FIRST,
        (PassOn, True),
    ),
    "for everybody else's variant": (200, (WHOLE, KEPT, "Vary: *"), None, (PassOn, True)),
    "with a cookie": (200, (WHOLE, TAG, "Set-Cookie: a=b"), None, (PassOn, True)),
    "not found, and no word on keeping it": (302, (WHOLE,), None, (PassOn, True)),
    "a failure": (503, ("Content-Length: 4",), None, (PassOn, False)),
    "a failure for a part": (500, ("Content-Length: 4",), FIRST, (PassOn, False)),
    "a failure that says no-store": (
        502,
        ("Content-Length: 4", "Cache-Control: no-store"),
        None,
        (PassOn, False),
    ),
    "a failure to be kept": (503, ("Content-Length: 4", KEPT), None, (Keep, 0, 4, True)),
    "too large": (
        200,
        (f"Content-Length: {BLOCK * BLOCKS_MAX + 1}", TAG, KEPT),
        None,
        (PassOn, False),
    ),
    "a part of what is too large": (
        206,
        ("Content-Length: 500", f"Content-Range: bytes 0-499/{BLOCK * BLOCKS_MAX + 1}", TAG, KEPT),
        FIRST,
        (AskForAll, False),
    ),
}


@pytest.mark.parametrize(
    ("status", "lines", "asked", "expected"), VERDICTS.values(), ids=list(VERDICTS)
)
async def test_every_kind_of_answer_has_its_verdict(
    storing: Storing,
    holdings: Holdings,
    status: int,
    lines: tuple[str, ...],
    asked: tuple[int, int] | None,
    expected: Verdict,
) -> None:
    verdict = storing.judge(question(asked), lent(an_answer(status, *lines)))
    kind, *details = expected
    assert type(verdict) is kind
    match verdict:
        case Keep(entry, start, stop, whole):
            assert [start, stop, whole] == details
            assert holdings.entries == {b"/a": entry}
            assert not {b"content-length", b"content-range"} & {n for n, _ in entry.head.pairs}
            assert entry.head.status == (200 if status == 206 else status)
        case PassOn(uncacheable) | AskForAll(uncacheable):
            assert [uncacheable] == details
            assert holdings.entries == {}
        case _:
            assert holdings.entries == {}


async def test_a_request_with_credentials_is_answered_for_itself_unless_told(
    storing: Storing,
) -> None:
    asked = question(None, "Authorization: Basic x")
    assert storing.judge(asked, lent(an_answer(200, WHOLE, TAG, KEPT))) == PassOn(False)
    public = lent(an_answer(200, WHOLE, TAG, "Cache-Control: public, max-age=9"))
    assert isinstance(storing.judge(asked, public), Keep)


async def test_a_part_nobody_asked_for_is_an_error(storing: Storing) -> None:
    with pytest.raises(UpstreamError, match="nobody asked"):
        storing.judge(question(), lent(an_answer(206, *PART, TAG, KEPT)))


def kept(storing: Storing, *lines: str, epoch: int = 0, at: float = 1000.0) -> Entry:
    verdict = storing.judge(
        question(epoch=epoch), lent(an_answer(200, WHOLE, *(lines or (TAG, KEPT))), at)
    )
    assert isinstance(verdict, Keep | Known)
    return verdict.entry


async def test_the_same_strong_version_again_keeps_its_entry_and_takes_the_newer_head(
    storing: Storing,
) -> None:
    entry = kept(storing)
    again = storing.judge(question(), lent(an_answer(200, WHOLE, TAG, "Cache-Control: max-age=9")))
    assert again == Known(entry)
    assert entry.head.freshness.lifetime_seconds == 9


@pytest.mark.parametrize(
    "lines",
    [('ETag: "y"', KEPT), ('ETag: W/"x"', KEPT), (KEPT,), (TAG, KEPT, "Vary: Accept")],
)
async def test_anything_else_is_another_entry(storing: Storing, lines: tuple[str, ...]) -> None:
    first = kept(storing)
    assert kept(storing, *lines) is not first


def state(entry: Entry, at: float = 1001.0) -> tuple[State, bool]:
    judgement = judge(entry.head.freshness, at)
    return judgement.state, judgement.usable_on_error


@pytest.mark.parametrize("way", ["judge", "adopt", "freshen", "known"])
async def test_an_answer_that_a_change_has_overtaken_is_not_stored_as_fresh(
    storing: Storing, holdings: Holdings, way: str
) -> None:
    generous = "Cache-Control: max-age=60, stale-while-revalidate=60, stale-if-error=60"

    def answered(epoch: int) -> Entry:
        answer = lent(an_answer(200, WHOLE, TAG, generous))
        if way == "adopt":
            return storing.adopt(question(epoch=epoch), answer, 1000)
        if way == "judge":
            return kept(storing, TAG, generous, epoch=epoch)
        entry = kept(storing, TAG, generous, epoch=holdings.epochs.now)
        if way == "freshen":
            storing.freshen(entry, b"/a", lent(an_answer(304, TAG, generous)), epoch)
        else:
            assert storing.judge(question(epoch=epoch), answer) == Known(entry)
        return entry

    asked = holdings.epochs.now
    holdings.invalidate(b"/b")
    assert state(answered(asked)) == (State.FRESH, True)
    holdings.invalidate(b"/a")
    entry = answered(asked)
    assert state(entry) == (State.STALE, False)
    # Whatever a clock that is set back makes of its age.
    assert holdings.trust.doubts(entry.mark, is_followed=False)
    assert state(answered(holdings.epochs.now)) == (State.FRESH, True)
    holdings.distrust()
    assert state(answered(holdings.epochs.now - 1)) == (State.STALE, False)


async def test_a_304_renews_what_it_speaks_of_and_the_rest_stays(storing: Storing) -> None:
    entry = kept(storing, TAG, KEPT, "X-Old: a", "X-Stays: b", "Age: 50")
    said = an_answer(304, TAG, "Cache-Control: max-age=5", "X-Old: c")
    storing.freshen(entry, b"/a", lent(said, at=2000.0), 0)
    pairs = dict(entry.head.pairs)
    assert (pairs[b"x-old"], pairs[b"x-stays"]) == (b"c", b"b")
    assert b"age" not in pairs
    assert state(entry, 2004.0) == (State.FRESH, True)
    assert entry.head.freshness.age_seconds(2000.0) == 0


async def test_a_304_to_an_entry_that_is_gone_writes_nothing_down(
    storing: Storing, holdings: Holdings, tmp_path: Path
) -> None:
    entry = kept(storing)
    holdings.invalidate(b"/a")
    storing.freshen(entry, b"/a", lent(an_answer(304, TAG, KEPT)), 0)
    await holdings.close()
    assert not list((tmp_path / "cache").glob("??/*/*"))
