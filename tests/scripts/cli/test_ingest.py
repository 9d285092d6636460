"""Claims about `cinedge ingest`, against an origin that plays a script."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from cdnkit.digests import parse_digest_field
from scripts.cli import ingest
from scripts.cli.errors import FailedError, UsageError

_FILM = b"film" * 700_000
_SHA256 = hashlib.sha256(_FILM)
_ANSWER = {"key": "film.mp4", "generation": 3, "sha256": _SHA256.hexdigest()}


class ScriptedOrigin:
    """Answers each request with the next line of its script, and remembers what it got."""

    def __init__(self, *script: httpx.Response | Exception) -> None:
        self._script = list(script)
        self.requests: list[httpx.Request] = []
        self.bodies: list[bytes] = []
        self.pauses: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.bodies.append(request.read())
        line = self._script.pop(0)
        if isinstance(line, Exception):
            raise line
        return line


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    ingest.add_parser(parser.add_subparsers())
    return parser.parse_args(["ingest", "--to", "http://origin.test", *words])


def upload(origin: ScriptedOrigin, *words: str) -> int:
    transport = httpx.MockTransport(origin)
    with httpx.Client(base_url="http://origin.test", transport=transport) as client:
        return ingest.upload_all(
            arguments(*words), client, Console(quiet=True), origin.pauses.append
        )


@pytest.fixture
def film(tmp_path: Path) -> str:
    file = tmp_path / "film.mp4"
    file.write_bytes(_FILM)
    return str(file)


def ok(answer: object = _ANSWER) -> httpx.Response:
    return httpx.Response(201, json=answer)


def test_file_is_sent_whole_with_length_and_digest_ahead(
    film: str, capsys: pytest.CaptureFixture[str]
) -> None:
    origin = ScriptedOrigin(ok())
    assert upload(origin, film) == 0
    (request,) = origin.requests
    assert (request.method, request.url.path) == ("PUT", "/v1/content/film.mp4")
    assert origin.bodies == [_FILM]
    assert request.headers["Content-Length"] == str(len(_FILM))
    assert "Transfer-Encoding" not in request.headers
    assert request.headers["Content-Type"] == "video/mp4"
    digests = parse_digest_field(request.headers["Repr-Digest"])
    assert digests == {"sha-256": _SHA256.digest()}
    assert capsys.readouterr().out == (f"film.mp4 generation 3 sha256 {_SHA256.hexdigest()}\n")


def test_broken_connection_repeats_the_whole_upload_after_longer_and_longer_pauses(
    film: str,
) -> None:
    origin = ScriptedOrigin(httpx.ReadError("reset"), httpx.Response(503), ok())
    assert upload(origin, film) == 0
    assert origin.bodies == [_FILM] * 3
    assert origin.pauses == [1.0, 2.0]


def test_an_origin_that_stays_away_is_given_up(film: str) -> None:
    origin = ScriptedOrigin(*[httpx.ConnectError("refused")] * ingest.ATTEMPTS)
    with pytest.raises(FailedError, match=r"refused \(tried 4 times\)"):
        upload(origin, film)


def test_a_refusal_is_final_and_shows_its_sentence(film: str) -> None:
    origin = ScriptedOrigin(httpx.Response(401, json={"detail": "no token was sent"}))
    with pytest.raises(FailedError, match=r"film\.mp4: 401 no token was sent"):
        upload(origin, film)
    assert origin.pauses == []


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({**_ANSWER, "sha256": "0" * 64}, "the origin stored sha256 0000"),
        ({"key": "film.mp4"}, "did not answer as an origin does"),
        ([], "did not answer as an origin does"),
    ],
)
def test_an_answer_that_is_not_about_these_bytes_fails(
    film: str, answer: object, message: str
) -> None:
    with pytest.raises(FailedError, match=message):
        upload(ScriptedOrigin(ok(answer)), film)


def test_title_is_checked_before_and_saved_after_the_film(film: str) -> None:
    origin = ScriptedOrigin(httpx.Response(404), ok(), ok({}))
    assert upload(origin, film, "--key", "films/a.mp4", "--title", "a", "--title-name", "A") == 0
    assert [request.method for request in origin.requests] == ["GET", "PUT", "PUT"]
    assert origin.requests[2].url.path == "/v1/titles/a"
    assert json.loads(origin.bodies[2]) == {"title": "A", "media": "films/a.mp4"}


def test_a_wrong_title_id_is_refused_before_anything_is_sent(film: str) -> None:
    origin = ScriptedOrigin(httpx.Response(400, json={"detail": "a title id has a-z"}))
    with pytest.raises(UsageError, match="a title id has a-z"):
        upload(origin, film, "--title", "A B")
    assert len(origin.requests) == 1


def test_a_title_that_cannot_be_saved_fails(film: str) -> None:
    origin = ScriptedOrigin(httpx.Response(404), ok(), httpx.Response(403))
    with pytest.raises(FailedError, match="title a: 403 Forbidden"):
        upload(origin, film, "--title", "a")


def test_empty_file_is_an_upload_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.srt").write_bytes(b"")
    answer = {"key": "empty.srt", "generation": 1, "sha256": hashlib.sha256().hexdigest()}
    origin = ScriptedOrigin(ok(answer))
    assert upload(origin, str(tmp_path / "empty.srt")) == 0
    assert origin.requests[0].headers["Content-Length"] == "0"


def test_keys_are_planned_from_names_and_prefix(tmp_path: Path) -> None:
    files = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    for file in files:
        file.touch()
    words = [str(file) for file in files]
    planned = ingest.plan_keys(arguments(*words, "--prefix", "/series/s1/"))
    assert planned == [(files[0], "series/s1/a.mp4"), (files[1], "series/s1/b.mp4")]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (lambda at: [at, at], "would both become film.mp4"),
        (lambda at: [at, at, "--key", "a"], "for one file"),
        (lambda at: [at, "--key", "a/../b"], "choose another with --key"),
        (lambda at: [at, "--title-name", "A"], "needs --title"),
        (lambda at: [at + "x"], "is not a file"),
    ],
)
def test_nothing_is_sent_when_one_file_cannot_be(
    film: str, words: Callable[[str], list[str]], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        upload(ScriptedOrigin(), *words(film))


def test_token_comes_from_the_named_variable_or_the_usual_one() -> None:
    headers = ingest.token_headers
    assert headers(None, {"CINEDGE_TOKEN": "t"}) == {"Authorization": "Bearer t"}
    assert headers("MINE", {"MINE": "m"}) == {"Authorization": "Bearer m"}
    assert headers(None, {}) == {}
    with pytest.raises(UsageError, match="MINE is not set"):
        headers("MINE", {"CINEDGE_TOKEN": "t"})
    with pytest.raises(UsageError, match="holds no bearer token"):
        headers(None, {"CINEDGE_TOKEN": "a\nb"})
