"""A whole origin packages over HTTP, the real process behind it, also over a restart."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from config.keeping import PackagingSettings
from origin.catalog.jobs import Jobs
from tests.helpers.clock import FakeClock
from tests.origin.conftest import RunningOrigin, StartOrigin
from tests.origin.packaging.conftest import Films

pytest.importorskip("av")


async def save(origin: RunningOrigin, films: Films, name: str, title_id: str = "a") -> None:
    await origin.client.put(f"/v1/content/films/{name}", data=films.data(name))
    body = {"title": "A", "media": f"films/{name}"}
    async with origin.client.put(f"/v1/titles/{title_id}", json=body) as answer:
        assert answer.status in (200, 201), await answer.text()


async def ended(origin: RunningOrigin, title_id: str = "a") -> dict[str, Any]:
    """The job once it has ended."""
    async with asyncio.timeout(30):
        while True:
            async with origin.client.get(f"/v1/titles/{title_id}/packaging") as answer:
                body: dict[str, Any] = await answer.json()
            if body["state"] in ("published", "refused"):
                return body
            await asyncio.sleep(0.02)


async def test_title_is_packaged_and_asking_again_changes_nothing(
    origin: RunningOrigin, films: Films
) -> None:
    await save(origin, films, "plain.mp4")
    async with origin.client.post("/v1/titles/a/packaging") as answer:
        assert answer.status == 202
    job = await ended(origin)
    assert job["state"] == "published"
    assert job["published"]["video"][0]["width"] == 192
    for member in ("progressive", "hls", "dash", "poster", "storyboard", "thumbnails"):
        async with origin.client.get(f"/v1/content/{job['published'][member]}") as answer:
            assert answer.status == 200
    async with origin.client.get(f"/v1/content/{job['published']['hls']}") as answer:
        assert answer.content_type == "application/vnd.apple.mpegurl"
    async with origin.client.post("/v1/titles/a/packaging") as answer:
        assert answer.status == 200
        assert (await answer.json())["revision"] == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"this is no film" * 20, "this is no film"),
        (b"", "no film"),
        (b"\0\0\0\x09ftypX", "'moov'"),
    ],
)
async def test_film_that_cannot_be_played_is_a_state_and_no_error(
    origin: RunningOrigin, data: bytes, reason: str
) -> None:
    await origin.client.put("/v1/content/films/bad", data=data)
    await origin.client.put("/v1/titles/a", json={"title": "A", "media": "films/bad"})
    async with origin.client.post("/v1/titles/a/packaging") as answer:
        assert answer.status == 202
    job = await ended(origin)
    assert job["state"] == "refused"
    assert reason in job["reason"]
    async with origin.client.get("/v1/packaging?state=refused") as answer:
        assert [each["title"] for each in (await answer.json())["items"]] == ["a"]


async def test_retired_title_loses_its_package(origin: RunningOrigin, films: Films) -> None:
    await save(origin, films, "silent.mp4")
    await origin.client.post("/v1/titles/a/packaging")
    key = (await ended(origin))["published"]["progressive"]
    async with origin.client.delete("/v1/titles/a/packaging") as answer:
        assert answer.status == 202
        assert "published" not in await answer.json()
    journal = origin.parts.catalog.journal
    async with asyncio.timeout(10):
        while origin.parts.catalog.objects.get(key) is not None:
            await journal.wait_beyond(journal.last, 1)
    assert origin.parts.catalog.objects.get("films/silent.mp4") is not None


async def test_job_of_an_origin_that_stopped_goes_on(
    start_origin: StartOrigin, films: Films
) -> None:
    async with start_origin() as origin:
        await save(origin, films, "plain.mp4")
        await origin.client.post("/v1/titles/a/packaging")
        jobs = Jobs(origin.parts.catalog.database, FakeClock())
        async with asyncio.timeout(10):
            while True:
                row = await jobs.find("a")
                assert row is not None
                if row.state != "received" or row.worker:
                    break
        assert row.state != "published"
    async with start_origin() as origin:
        assert (await ended(origin))["state"] == "published"


async def test_scratch_is_empty_when_a_job_has_ended(
    start_origin: StartOrigin, films: Films, tmp_path: Path
) -> None:
    async with start_origin() as origin:
        await save(origin, films, "film.mkv")
        await origin.client.post("/v1/titles/a/packaging")
        assert (await ended(origin))["state"] == "published"
    assert os.listdir(tmp_path / "data" / "scratch") == []


async def test_saved_title_is_packaged_and_again_when_its_film_is_replaced(
    start_origin: StartOrigin, films: Films
) -> None:
    settings = PackagingSettings(automatic=True, pictures=False)
    async with start_origin(packaging=settings) as origin:
        await save(origin, films, "plain.mp4")
        assert (await ended(origin))["published"]["revision"] == 1
        await origin.client.put("/v1/content/films/plain.mp4", data=films.data("silent.mp4"))
        journal = origin.parts.catalog.journal
        async with asyncio.timeout(30):
            while (job := await ended(origin))["published"]["revision"] == 1:
                await journal.wait_beyond(journal.last, 0.1)
        assert job["source"]["generation"] == 2
        assert job["published"]["audio"] == []


async def test_named_titles_are_listed_when_they_were_packaged(
    origin: RunningOrigin, films: Films
) -> None:
    await save(origin, films, "silent.mp4")
    await origin.client.post("/v1/titles/a/packaging")
    await ended(origin)
    async with origin.client.get("/v1/packaging?titles=b,a") as answer:
        body = await answer.json()
    assert [each["title"] for each in body["items"]] == ["a"]
    assert body["items"][0]["published"]["progressive"] == "play/a/1/film.mp4"
    async with origin.client.get("/v1/packaging?titles=NO") as answer:
        assert answer.status == 400
