"""What is tried against every server on the web, tried against real processes of each tier.

An edge stands in front of an origin that builds answers from whatever it is told, as careless ones
do; an origin of ours and a router stand beside it. docs/security.md says which test shows what.
"""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.helpers.cluster import CINEDGE, ROOT
from tests.helpers.processes import Running, wait_until
from tests.helpers.recording_origin import Answer, Heard, RecordingOrigin
from tests.scenarios.test_hostile_messages import free_port, is_ready

KEY = "films/good.bin"
CONTENT = bytes(range(256)) * 40
TIERS = ("origin", "edge", "router")
KEPT = ("Cache-Control", "max-age=60")
METADATA = "http://169.254.169.254/latest/meta-data/"
UNKEYED = (
    *("X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Scheme", "X-Host", "Forwarded"),
    *("X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override", "X-Forwarded-Prefix"),
)
WAYS_OUT = (
    *("../../../../etc/passwd", "..%2f..%2f..%2f..%2fetc/passwd", "%2e%2e/%2e%2e/etc/passwd"),
    *("..%5c..%5cetc/passwd", "....//....//etc/passwd", "%00/etc/passwd", "/etc/passwd"),
    *("..;/..;/etc/passwd", "%252e%252e%252fetc/passwd", "%c0%ae%c0%ae/etc/passwd", "setup.cfg"),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """Addresses by tier, where their logs are, and the careless origin behind the edge."""

    urls: dict[str, str]
    logs: Path
    behind: RecordingOrigin


def careless(heard: Heard) -> Answer:
    """Says again what it was told, and lets it be kept."""
    if heard.target.startswith("/account/"):
        cookie = "".join(heard.lines("cookie"))
        return Answer(200, (("Cache-Control", "private, max-age=60"),), f"of {cookie}".encode())
    if heard.target.startswith("/away"):
        return Answer(302, (("Location", METADATA), KEPT), b"away")
    if heard.target.startswith("/whole"):
        return Answer(200, (KEPT, ("ETag", '"a"')), CONTENT)
    told = "\n".join(f"{name}: {value}" for name, value in heard.fields if "evil" in value)
    return Answer(200, (KEPT,), f"{heard.method}\n{told}".encode())


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    data = tmp_path_factory.mktemp("attacks")
    at = {name: f"127.0.0.1:{free_port()}" for name in TIERS}
    with ExitStack() as stack:
        behind = stack.enter_context(RecordingOrigin(careless))
        for command in (
            ("origin", "--listen", at["origin"], "--data", data / "origin"),
            ("edge", "--listen", at["edge"], "--pull", behind.url, "--cache", data / "cache",
             "--size", "64MiB"),
            ("router", "--listen", at["router"], "--edges", f"http://{at['edge']}"),
        ):  # fmt: skip
            log = ("--access-log", data / f"{command[0]}.jsonl")
            stack.enter_context(Running([*CINEDGE, *command, *log], cwd=ROOT))
        for name in TIERS:
            wait_until(partial(is_ready, f"http://{at[name]}"), f"{name} is ready", 60)
        put = httpx.put(f"http://{at['origin']}/v1/content/{KEY}", content=CONTENT)
        assert put.status_code == 201
        yield Stage({name: f"http://{at[name]}" for name in TIERS}, data, behind)


def raw(url: str, target: str, *lines: str) -> bytes:
    """What comes for a target that no client library would send."""
    host, _, port = url.removeprefix("http://").partition(":")
    head = "\r\n".join([f"GET {target} HTTP/1.1", "Host: a", "Connection: close", *lines, "", ""])
    with socket.create_connection((host, int(port)), timeout=15) as sock:
        sock.sendall(head.encode("latin-1"))
        said = b""
        while piece := sock.recv(65536):
            said += piece
        return said


@pytest.mark.parametrize("name", UNKEYED)
def test_what_one_client_says_of_itself_is_not_what_others_get(stage: Stage, name: str) -> None:
    url = f"{stage.urls['edge']}/page-{name}"
    first = httpx.get(url, headers={name: "evil.test"})
    second = httpx.get(url)
    assert "hit" in second.headers["Cache-Status"]
    assert first.content == second.content
    assert b"evil" not in second.content


@pytest.mark.parametrize("path", ["style.css", "x.jpg", "x%2f..%2fa.mp4", ";a.js", "?a.png"])
def test_a_page_of_one_viewer_is_kept_for_nobody_whatever_its_name(stage: Stage, path: str) -> None:
    url = f"{stage.urls['edge']}/account/{path}"
    assert httpx.get(url, headers={"Cookie": "me=1"}).content == b"of me=1"
    assert httpx.get(url).content == b"of "


def test_an_edge_follows_no_redirect_and_asks_nobody_else(stage: Stage) -> None:
    before = len(stage.behind.heard)
    answer = httpx.get(f"{stage.urls['edge']}/away", follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, METADATA)
    assert [each.target for each in stage.behind.heard[before:] if each.target != "/readyz"] == [
        "/away"
    ]


@pytest.mark.parametrize("target", [METADATA, "http://localhost:22/a", "http://[::1]:1/a"])
def test_a_whole_url_leads_an_edge_to_its_origin_and_nowhere_else(
    stage: Stage, target: str
) -> None:
    assert raw(stage.urls["edge"], target).startswith(b"HTTP/1.1 200 ")
    path = "/" + target.removeprefix("http://").partition("/")[2]
    heard = [each for each in stage.behind.heard if each.target == path]
    assert {each.lines("host")[0] for each in heard} == {stage.behind.url.removeprefix("http://")}


@pytest.mark.parametrize(
    "target", ["//evil.test/a", "/\\evil.test/a", "/@evil.test/a", "/%0d%0aLocation:%20http://evil"]
)
def test_a_router_sends_nobody_elsewhere(stage: Stage, target: str) -> None:
    head = raw(stage.urls["router"], target).partition(b"\r\n\r\n")[0]
    locations = [line for line in head.split(b"\r\n") if line.lower().startswith(b"location:")]
    edge = stage.urls["edge"].encode()
    assert all(line.startswith(b"Location: " + edge + b"/") for line in locations)
    assert len(locations) <= 1


@pytest.mark.parametrize("way", WAYS_OUT)
@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("origin", "/v1/content/"),
        ("origin", "/web/"),
        ("origin", "/docs/"),
        ("router", "/operate/"),
    ],
)
def test_no_path_leads_out_of_a_folder(stage: Stage, name: str, prefix: str, way: str) -> None:
    said = raw(stage.urls[name], prefix + way)
    assert b"root:" not in said
    assert b"[metadata]" not in said
    assert 400 <= int(said.split(b" ")[1]) < 500


def test_compressed_content_is_never_unpacked(stage: Stage) -> None:
    url = f"{stage.urls['origin']}/v1/content/films/bomb.bin"
    bomb = gzip.compress(bytes(20_000_000))
    put = httpx.put(url, content=bomb, headers={"Content-Encoding": "gzip"})
    assert (put.status_code, put.json()["type"]) == (400, "urn:cinedge:problem:bad-request")
    assert httpx.get(url).status_code == 404
    assert httpx.put(url, content=bomb).status_code == 201
    assert httpx.head(url).headers["Content-Length"] == str(len(bomb))


def test_compressed_json_is_refused_and_not_unpacked(stage: Stage) -> None:
    bomb = gzip.compress(b'{"title":"' + b"a" * 20_000_000 + b'"}')
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    answer = httpx.put(f"{stage.urls['origin']}/v1/titles/bomb", content=bomb, headers=headers)
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("ranges", ["0-," * 1000 + "0-", ",".join(f"{n}-{n}" for n in range(900))])
def test_many_ranges_cost_hardly_more_than_the_whole(stage: Stage, ranges: str) -> None:
    for url in (f"{stage.urls['edge']}/whole", f"{stage.urls['origin']}/v1/content/{KEY}"):
        answer = httpx.get(url, headers={"Range": f"bytes={ranges}"})
        assert answer.status_code in (200, 206, 416, 400)
        assert len(answer.content) <= 2 * len(CONTENT) + 16 * 1024


def test_a_method_in_a_field_is_no_method(stage: Stage) -> None:
    url = f"{stage.urls['origin']}/v1/content/{KEY}"
    for name in ("X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"):
        assert httpx.get(url, headers={name: "DELETE"}).content == CONTENT
        assert httpx.post(url, headers={name: "DELETE"}).status_code == 405
    assert httpx.get(url).content == CONTENT


@pytest.mark.parametrize("name", TIERS)
def test_no_request_forges_a_line_of_the_log(stage: Stage, name: str) -> None:
    forged = '%0a{"forged":true}%0d%0a'
    raw(stage.urls[name], f"/marked/{forged}", 'User-Agent: a"}\\n{"forged":true}\xe9\xff\t\u0085')
    path = stage.logs / f"{name}.jsonl"
    wait_until(lambda: "/marked/" in path.read_text(errors="replace"), "it is written down")
    lines = path.read_bytes().split(b"\n")
    assert lines[-1] == b""
    records = [json.loads(line) for line in lines[:-1]]
    assert all("forged" not in record for record in records)
    marked = [each for each in records if "/marked/" in str(each.get("path", each))]
    assert len(marked) == 1


def test_what_a_process_writes_is_not_for_everybody(stage: Stage) -> None:
    written = [path for path in stage.logs.rglob("*") if not path.is_symlink()]
    assert {"origin.jsonl", "edge.jsonl"} <= {path.name for path in written}
    assert [path for path in written if path.is_file() and path.stat().st_mode & 0o007] == []
