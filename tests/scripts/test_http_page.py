"""The page of HTTP operations is that of the handlers."""

from __future__ import annotations

import pytest

from scripts import http_page


def test_the_page_is_up_to_date_and_is_what_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    page, written = http_page.PAGE.read_text(), list[str]()
    monkeypatch.setattr(type(http_page.PAGE), "write_text", lambda self, text: written.append(text))
    assert http_page.main() == 0
    assert written == [page]


def test_every_row_says_who_may_ask_what_it_takes_and_how_it_ends() -> None:
    lines = http_page.PAGE.read_text().splitlines()
    rows = {line.split("`")[1]: line for line in lines if line.startswith("| `")}
    assert rows["PUT /v1/drain"].startswith("| `PUT /v1/drain` | Take no new viewers;")
    assert rows["PUT /v1/drain"].endswith("| 401 unauthorized, 403 forbidden, 507 drain-not-kept |")
    assert "| `operate` |" in rows["GET /v1/drain"]
    assert "| viewer | ChangingMe! | 200 Me |" in rows["PATCH /v1/accounts/me"]
    assert rows["GET /v1/fleet"].endswith("| 200 FleetView |  |")
    assert all(line.count(" | ") == 5 for line in rows.values())
