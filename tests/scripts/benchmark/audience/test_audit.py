"""The audit finds what was acknowledged and is not true, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from origin.catalog.activity import Kind
from origin.catalog.database import open_database, parse_database_url
from origin.catalog.tables import activity
from origin.domains.history.queries import positions
from origin.domains.playback.queries import leases
from scripts.benchmark.audience.audit import audit_rows, lost_heartbeats, unlogged_heartbeats
from scripts.benchmark.audience.viewer import Memory

HEARTBEATS = st.lists(st.floats(0, 1e6), min_size=1, max_size=20)


@given(HEARTBEATS, st.data())
def test_row_of_the_newest_acknowledged_or_any_later_one_sent_is_right(
    told: list[float], data: st.DataObject
) -> None:
    sent = {("film", counter, position) for counter, position in enumerate(told, 1)}
    kept = data.draw(st.integers(1, len(told)))
    there = data.draw(st.integers(1, len(told)))
    memory = Memory(sent=sent, kept={"film": (kept, told[kept - 1])})
    rows = {("anna", "film"): (there, told[there - 1])}
    assert bool(lost_heartbeats("anna", memory, rows)) == (there < kept)


@pytest.mark.parametrize("row", [None, (2, 20.0), (3, 31.0), (4, 40.0)])
def test_missing_older_altered_and_unsent_positions_are_found(
    row: tuple[int, float] | None,
) -> None:
    memory = Memory(sent={("film", 3, 30.0)}, kept={"film": (3, 30.0)})
    rows = {} if row is None else {("anna", "film"): row}
    assert len(lost_heartbeats("anna", memory, rows)) == 1


@pytest.mark.parametrize(("logged", "complaints"), [(4, 1), (5, 0), (6, 0)])
def test_log_has_at_least_what_was_acknowledged(logged: int, complaints: int) -> None:
    assert len(unlogged_heartbeats("anna", Memory(heartbeats=5), logged)) == complaints


async def test_rows_are_compared_with_what_each_viewer_remembers(tmp_path: Path) -> None:
    database = await open_database(parse_database_url("", tmp_path))
    common = {"account": "a", "profile": "anna"}
    times = {"started_at": 1.0, "seen_at": 1.0, "duration_seconds": 60.0}
    async with database.begin() as connection:
        await connection.execute(
            sa.insert(positions).values(
                **common, title_id="film", counter=1, position_seconds=7.0,
                duration_seconds=60.0, hidden=False, at=1.0,
            )
        )  # fmt: skip
        await connection.execute(
            sa.insert(leases).values(**common, **times, id="stream", title_id="film", device="")
        )
        await connection.execute(
            sa.insert(activity).values(
                **common, event="e", kind=Kind.HEARTBEAT, at=1.0, title="film", region="",
                position_seconds=7.0, watched_seconds=0.0, value=0.0, words="",
            )
        )  # fmt: skip
    right = Memory({("film", 1, 7.0)}, {"film": (1, 7.0)}, heartbeats=1)
    wrong = Memory({("film", 2, 8.0)}, {"film": (2, 8.0)}, heartbeats=2, stopped=["stream"])
    assert await audit_rows(database, {"anna": right}) == []
    assert len(await audit_rows(database, {"anna": wrong})) == 3
    await database.close()
