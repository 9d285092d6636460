"""A whole file against an origin that takes parts: joined, compared, remembered, begun anew."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from scripts.cli.errors import FailedError
from scripts.ingest_client.resumable import Arrival, Sender, Shipment, extent_bytes_of

FILM = bytes(range(250)) * 10
EXTENT_BYTES = 500


class Origin:
    """Keeps parts in memory; `spoil` changes what it says of the whole."""

    def __init__(self, spoil: Callable[[bytes], bytes] = lambda digest: digest) -> None:
        self.parts: dict[str, bytearray] = {}
        self.joined: list[str] = []
        self.refuse_join: list[httpx.Response] = []
        self._spoil = spoil
        self._lock = threading.Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        with self._lock:
            return self._answer(request, body)

    def _answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        path = request.url.path
        concat = request.headers.get("Upload-Concat", "")
        if request.method == "POST" and concat == "partial":
            name = f"/v1/uploads/part-{len(self.parts):04}"
            self.parts[name] = bytearray()
            return httpx.Response(201, headers={"Location": name})
        if request.method == "POST":
            if self.refuse_join:
                return self.refuse_join.pop(0)
            self.joined = concat.removeprefix("final;").split(" ")
            whole = b"".join(bytes(self.parts[part]) for part in self.joined)
            digest = self._spoil(hashlib.sha256(whole).digest())
            field = f"sha-256=:{base64.b64encode(digest).decode()}:"
            return httpx.Response(201, headers={"Repr-Digest": field, "Cinedge-Generation": "4"})
        if path not in self.parts:
            return httpx.Response(404)
        if request.method == "PATCH":
            self.parts[path] += body
            return httpx.Response(204)
        return httpx.Response(200, headers={"Upload-Offset": str(len(self.parts[path]))})


def send(tmp_path: Path, origin: Origin, streams: int = 3) -> tuple[Arrival, list[int]]:
    file = tmp_path / "film.mp4"
    if not file.exists():
        file.write_bytes(FILM)
    told: list[int] = []
    client = httpx.Client(base_url="http://origin", transport=httpx.MockTransport(origin))
    sender = Sender(
        client,
        tmp_path / "state",
        streams=streams,
        report=lambda _: None,
        pause=lambda *_: None,
    )
    shipment = Shipment(file, "films/a.mp4", "video/mp4")
    return sender.send(shipment, EXTENT_BYTES, told.append), told


@pytest.mark.parametrize("streams", [1, 3, 16])
def test_a_file_is_joined_of_its_parts(tmp_path: Path, streams: int) -> None:
    origin = Origin()
    arrival, told = send(tmp_path, origin, streams)
    assert arrival == Arrival(4, hashlib.sha256(FILM).hexdigest(), len(FILM), 0)
    assert b"".join(bytes(origin.parts[part]) for part in origin.joined) == FILM
    assert len(origin.joined) == min(streams, 5)
    assert told[-1] == max(told) == len(FILM)
    assert not list((tmp_path / "state").glob("*.json"))


def test_what_the_origin_stored_must_be_the_file(tmp_path: Path) -> None:
    with pytest.raises(FailedError, match="the origin stored sha256 0000"):
        send(tmp_path, Origin(lambda _: bytes(32)))


def test_a_refused_join_is_told_and_remembered(tmp_path: Path) -> None:
    origin = Origin()
    origin.refuse_join = [httpx.Response(412, json={"detail": "the object has changed"})]
    with pytest.raises(FailedError, match="412 the object has changed"):
        send(tmp_path, origin)
    arrival, _ = send(tmp_path, origin)
    assert arrival.resumed_bytes == len(FILM)
    assert len(origin.parts) == 3


def test_a_join_is_asked_again_while_the_origin_cannot(tmp_path: Path) -> None:
    origin = Origin()
    origin.refuse_join = [httpx.Response(503)] * 2
    assert send(tmp_path, origin)[0].generation == 4


def test_parts_that_have_expired_meanwhile_are_sent_anew(tmp_path: Path) -> None:
    origin = Origin()
    origin.refuse_join = [httpx.Response(404)]
    assert send(tmp_path, origin)[0].generation == 4
    assert len(origin.parts) == 6


def test_a_file_that_shrinks_is_told(tmp_path: Path) -> None:
    class Shrinking(Origin):
        def _answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
            (tmp_path / "film.mp4").write_bytes(b"")
            return super()._answer(request, body)

    with pytest.raises(FailedError, match="has become shorter"):
        send(tmp_path, Shrinking())


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (
            httpx.Response(
                204, headers={"Cinedge-Extent-Bytes": "77", "Tus-Extension": "concatenation"}
            ),
            77,
        ),
        (httpx.Response(204, headers={"Tus-Extension": "concatenation"}), None),
        (httpx.Response(405), None),
    ],
)
def test_an_origin_says_whether_it_takes_parts(answer: httpx.Response, found: int | None) -> None:
    client = httpx.Client(base_url="http://origin", transport=httpx.MockTransport(lambda _: answer))
    assert extent_bytes_of(client) == found
