"""Uploaders: each replaces one film again and again, and keeps the book of it.

A put names the version it replaces (If-Match). One whose answer was lost is settled before anything
else: the next put either finds the old version, and then the lost one never was and never will be,
or is refused, and then it was.
"""

from __future__ import annotations

import base64
from typing import Final

from tests.faults.scenario.asking import Asker, Heard
from tests.faults.scenario.layout import BLOCK_BYTES
from tests.faults.scenario.ledger import Film, Version
from tests.faults.scenario.plan import origins_of
from tests.faults.scenario.stage import Stage
from tests.faults.scenario.troubles import uploads_at

SIZE_BYTES: Final = 14 * BLOCK_BYTES
_SIZE_SPREAD_BYTES: Final = 4 * BLOCK_BYTES
_PAUSE_SECONDS: Final = (0.3, 0.9)
_AFTER_FAILURE_SECONDS: Final = 0.2
_TUS_SHARE: Final = 0.4
_TUS_PIECES: Final = 3
_TUS_TRIES: Final = 40
_TUS: Final = "Tus-Resumable: 1.0.0"


class Uploader:
    """Puts versions of one film, the first before the run begins."""

    def __init__(self, stage: Stage, number: int) -> None:
        self.name = f"uploader {number}"
        self.film = stage.ledger.add(Film(f"/films/{number}.mp4"))
        self._stage = stage
        origins = origins_of(stage.scenario.shape)
        self._origin = origins[number % len(origins)]
        self._chance = stage.chance(self.name)
        self._asker: Asker
        self._etag = ""

    async def put_first(self) -> None:
        """Put the first version; nothing is broken yet."""
        async with self._stage.world.asker() as self._asker:
            await self._replace(by_tus=False)
        assert self._etag, f"{self.film.path} could not be put"

    async def run(self) -> None:
        """Replace it until it is over."""
        async with self._stage.world.asker() as self._asker:
            while not self._stage.over.is_set():
                await self._stage.pause(self._chance.uniform(*_PAUSE_SECONDS))
                await self._replace(by_tus=self._chance.random() < _TUS_SHARE)

    async def _replace(self, *, by_tus: bool) -> None:
        size = SIZE_BYTES + self._chance.randrange(-_SIZE_SPREAD_BYTES, _SIZE_SPREAD_BYTES)
        content = self._chance.randbytes(size)
        asked_at = self._stage.now()
        version = self.film.begin(content, asked_at)
        heard = await (self._put_by_tus(version) if by_tus else self._put(version))
        match heard.status:
            case 200 | 201 | 204:
                self._acknowledge(version, heard)
            case 412:
                await self._find_out()
            case 0 if self._stage.over.is_set():
                pass
            case 0 | 500 | 502 | 503 | 504 | 507 | 404 | 409 | 410:
                self._judge_failure(asked_at, heard)
            case _:
                self._stage.complain(self.name, f"a put was refused: {heard.said}")

    def _acknowledge(self, version: Version, heard: Heard) -> None:
        etag = heard.fields.get("etag", "")
        if not etag:
            self._stage.complain(self.name, f"a receipt without an entity tag: {heard}")
            return
        version.known_at = self._stage.now()
        self._etag = etag
        self._stage.counts["uploads"] += 1
        if self.film.find(etag) is not version:
            self._stage.complain(self.name, f"the receipt of {version.tag} names {etag}")

    def _judge_failure(self, asked_at: float, heard: Heard) -> None:
        judge, now = self._stage.judge, self._stage.now()
        self._stage.counts["uploads lost"] += 1
        what = judge.of_failure(uploads_at(self._origin), asked_at, now, heard.said)
        if what:
            self._stage.complain(self.name, f"put of {self.film.path} {what}")

    async def _find_out(self) -> None:
        """A put was refused because of another version: one whose answer was lost."""
        heard = await self._asker.ask(self._url(), method="HEAD")
        if heard.status == 404 and self._etag:
            self._stage.complain(self.name, f"{self._etag} was put and is gone, as is the film")
        if heard.status != 200:
            return
        version = self.film.find(heard.fields.get("etag", ""))
        if version is None or version.known_at is not None:
            what = f"{self._etag} was put and is gone: {heard.fields.get('etag')} is there"
            self._stage.complain(self.name, what)
            return
        self._etag = heard.fields["etag"]
        version.known_at = self._stage.now()
        self._stage.counts["uploads found"] += 1

    def _url(self) -> str:
        return f"{self._stage.world.url(self._origin)}/v1/content{self.film.path}"

    def _condition(self) -> str:
        return f"If-Match: {self._etag}" if self._etag else "If-None-Match: *"

    async def _put(self, version: Version) -> Heard:
        fields = ("Content-Type: video/mp4", self._condition())
        return await self._asker.ask(self._url(), *fields, method="PUT", content=version.content)

    async def _put_by_tus(self, version: Version) -> Heard:
        """By several requests, gone on with after cuts as long as that is any use."""
        uploads = f"{self._stage.world.url(self._origin)}/v1/uploads"
        key = base64.b64encode(self.film.path[1:].encode()).decode()
        metadata = f"Upload-Metadata: key {key},filetype {base64.b64encode(b'video/mp4').decode()}"
        length = f"Upload-Length: {version.size_bytes}"
        made = await self._asker.ask(
            uploads, _TUS, length, metadata, self._condition(), method="POST"
        )
        if made.status != 201:
            return made
        location = made.fields["location"]
        url = (
            location
            if location.startswith("http")
            else uploads.removesuffix("/v1/uploads") + location
        )
        offset = told = 0
        heard = made
        for _ in range(_TUS_TRIES):
            heard = await self._send_piece(url, version, offset)
            if heard.status == 204 and int(heard.fields["upload-offset"]) == version.size_bytes:
                return heard
            if heard.status not in (0, 204, 409, 500, 502, 503, 504):
                return heard
            if self._stage.over.is_set():
                return Heard(0, {}, b"", "given up because the run is over")
            if heard.status == 204:
                offset = told = max(told, int(heard.fields["upload-offset"]))
                continue
            await self._stage.pause(_AFTER_FAILURE_SECONDS)
            asked = await self._asker.ask(url, _TUS, method="HEAD")
            if asked.status == 200:
                offset = int(asked.fields["upload-offset"])
                if offset < told:
                    self._stage.complain(self.name, f"offset {told} was told, now it is {offset}")
        return heard

    async def _send_piece(self, url: str, version: Version, offset: int) -> Heard:
        stop = min(version.size_bytes, offset + -(-version.size_bytes // _TUS_PIECES))
        fields = (_TUS, f"Upload-Offset: {offset}", "Content-Type: application/offset+octet-stream")
        piece = version.content[offset:stop]
        return await self._asker.ask(url, *fields, self._condition(), method="PATCH", content=piece)
