"""`cinedge plan`: from what was watched to the file of what is placed where."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from origin.catalog.database import open_database, parse_database_url
from origin.catalog.tables import generations, objects
from scripts.cli.main import main
from tests.helpers.activity_log import (
    DAY_SECONDS,
    START,
    add_events,
    add_titles,
    made_events,
    made_titles,
)

MIB = 1 << 20
FILM_BYTES = 20 * MIB
TOPOLOGY = """\
version: 1
sites:
  - {name: fra, latitude: 50, longitude: 8, region: DE}
  - {name: par, latitude: 48, longitude: 2, region: FR}
edge_settings: {fill: {share: %s, bytes_per_second: 1MiB}}
origins: [{name: o, listen: "127.0.0.1:8000", data: data}]
edges:
  - {name: e-fra, site: fra, listen: "127.0.0.1:9001", disks: [{path: a, size_bytes: 100MiB}]}
  - {name: e-par, site: par, listen: "127.0.0.1:9002", disks: [{path: b, size_bytes: 100MiB}]}
"""


async def fill_catalog(url: str, folder: Path) -> None:
    database = await open_database(parse_database_url(url, folder))
    films = {name: {**body, "media": f"{name}.mp4"} for name, body in made_titles(20).items()}
    plain = {"generation": 1, "stored_generation": 1, "extent_bytes": 1, "content_type": ""}
    plain |= {"sha256": "", "etag": "", "extent_crc32c": [], "created_at": 0.0}
    async with database.begin() as connection:
        await add_titles(connection, films)
        events = made_events(200, profiles=6, title_count=20, days=2)
        # What was watched long ago is expected no more.
        later = time.time() - 2 * DAY_SECONDS - START
        await add_events(connection, [{**each, "at": each["at"] + later} for each in events])
        for name in films:
            key = f"{name}.mp4"
            await connection.execute(sa.insert(generations).values(key=key, last=1))
            row = {**plain, "key": key, "size_bytes": FILM_BYTES}
            await connection.execute(sa.insert(objects).values(**row))
    await database.close()


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """`plan fill` over a catalog in which something was watched, and counted."""
    url = f"sqlite:///{tmp_path}/catalog.sqlite"
    asyncio.run(fill_catalog(url, tmp_path))
    place = str(tmp_path / "batch")
    assert main(["recommend", "--catalog", url, "--into", place, "--json"]) == 0
    (tmp_path / "t.yaml").write_text(TOPOLOGY % "0.9")
    topology = ["--topology", str(tmp_path / "t.yaml")]
    return ["plan", "fill", *topology, "--catalog", url, "--from", place]


def test_a_plan_is_shown_written_and_stays_the_same(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "placement.json"
    words += ["--into", str(file), "--worth", "0"]
    capsys.readouterr()
    assert main([*words, "--dry-run"]) == 0
    assert "e-fra" in capsys.readouterr().out
    assert not file.exists()
    assert main([*words, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    kept = json.loads(file.read_text())
    for edge, name in zip(kept["edges"], ("e-fra", "e-par"), strict=True):
        assert edge["edge"] == name
        placed = sum(film["stop_bytes"] for film in edge["films"])
        assert 0 < placed <= edge["room_bytes"] == int(100 * MIB * 0.9)
    assert shown["edges"][0]["films"][0]["film"] == kept["edges"][0]["films"][0]["film"]
    assert main([*words, "--films", "2"]) == 0
    assert "more" in capsys.readouterr().out
    again = json.loads(file.read_text())
    assert films_of(again) == films_of(kept)


def films_of(document: dict[str, Any]) -> list[Any]:
    return [edge["films"] for edge in document["edges"]]


def test_what_origins_send_can_be_bounded(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "placement.json"
    assert main([*words, "--into", str(file), "--worth", "0", "--budget", "8MiB"]) == 0
    placed = [
        film["stop_bytes"] for films in films_of(json.loads(file.read_text())) for film in films
    ]
    assert 0 < sum(placed) <= 8 * MIB


def test_mistakes_are_one_line_and_an_exit_code(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.json").write_text("{}")
    (tmp_path / "none.yaml").write_text(TOPOLOGY % "0")
    into = ["--into", str(tmp_path / "p.json")]
    for changed, code, said in [
        ([*words, "--into", str(tmp_path / "bad.json")], 1, "is no placement"),
        ([*words, *into, "--catalog", "catalog.sqlite"], 2, "give a URL"),
        ([*words, *into, "--from", str(tmp_path / "empty")], 1, "there is no snapshot"),
        ([*words, *into, "--topology", str(tmp_path / "none.yaml")], 1, "fill.share"),
        ([*words, *into, "--margin", "-1"], 2, "0 or more"),
    ]:
        capsys.readouterr()
        assert main(changed) == code
        assert said in capsys.readouterr().err
    assert (tmp_path / "bad.json").read_text() == "{}"
