"""What the lane logs is what the full server would have logged, line by line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cdnkit.service.logs import open_log
from geo_router.lanelog import PIECES_MAX, RedirectLog, choice_text, client_text

AT = 1_800_000_000.987


@pytest.mark.parametrize("target", ["/films/a.mp4", "/~SECRET/films/a.mp4?token=b&x=1", "/a'b%2f"])
async def test_a_line_says_what_a_record_would(tmp_path: Path, target: str) -> None:
    log = open_log(str(tmp_path / "log"), clock=lambda: AT)
    redirects = RedirectLog(log, "router", 'r"1', lambda: AT)
    async with log:
        redirects.add(
            b"0123", client_text("2001:db8::1"), target.encode(), choice_text("e", "slow", "prefix")
        )
        redirects.flush()
        log.append(
            {
                "time": log.now(),
                "tier": "router",
                "node": 'r"1',
                "request_id": "0123",
                "client": "2001:db8::1",
                "method": "GET",
                "path": target,
                "status": 302,
                "bytes": 0,
                "duration_ms": 0.0,
                "edge": "e",
                "rung": "slow",
                "place": "prefix",
            }
        )
    ours, usual = (tmp_path / "log").read_text().splitlines()
    assert json.loads(ours) == json.loads(usual)
    assert "SECRET" not in ours


async def test_many_lines_are_handed_over_in_lots(tmp_path: Path) -> None:
    log = open_log(str(tmp_path / "log"))
    redirects = RedirectLog(log, "router", "r", lambda: AT)
    choice = choice_text("e", "r", "p")
    async with log:
        for number in range(PIECES_MAX):
            target = b"/films/%d" % number
            redirects.add(b"1", client_text("192.0.2.7"), target, choice)
        redirects.flush()
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line["path"] for line in lines] == [f"/films/{n}" for n in range(PIECES_MAX)]
    assert {line["time"] for line in lines} == {"2027-01-15T08:00:00.987Z"}


async def test_a_log_that_goes_nowhere_is_not_written() -> None:
    assert not RedirectLog(open_log(""), "router", "r", lambda: AT).enabled
