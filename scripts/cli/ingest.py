"""`cinedge ingest`: uploads films through the origin's public endpoint and checks what arrived.

Decides keys, order, and which way a file goes: a large one in parts side by side that survive any
cut (`scripts.ingest_client`); a small one, or one to an origin that takes no parts, by a PUT that
is repeated whole. Either way nothing is published before it is complete and its digest is right.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import mimetypes
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import quote

import httpx
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from cdnkit.digests import format_digest_field
from cdnkit.errors import BadKeyError
from cdnkit.keys import parse_key
from cdnkit.service.certificates import believing
from cdnkit.wire import CONTENT_PREFIX, TITLES_PATH
from config.topology import OriginNode
from scripts.cli.arguments import like
from scripts.cli.errors import FailedError, UsageError
from scripts.ingest_client.journal import default_folder
from scripts.ingest_client.parts import explain
from scripts.ingest_client.resumable import Sender, Shipment, extent_bytes_of

PIECE_BYTES: Final = 1024 * 1024
WHOLE_BYTES_MAX: Final = 8 * 1024 * 1024
"""Files up to this size are sent by one PUT: repeating them costs less than asking."""

STREAMS_MAX: Final = 16
ATTEMPTS: Final = 4
_PAUSE_SECONDS: Final = 1.0
_TRY_AGAIN: Final = frozenset({502, 503, 504})
_TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
_DEFAULT_TOKEN_ENV: Final = "CINEDGE_TOKEN"

_DESCRIPTION = """\
Uploads films to an origin and makes sure that they arrived: the sha256 of each
file is compared with what the origin stored before it is published.

Large files go in parts side by side. When the line breaks the upload goes on by
itself; when this command is stopped, running it again goes on where it was."""

_EPILOG = """\
examples:
  cinedge ingest film.mp4 --to http://127.0.0.1:8000
  cinedge ingest film.mp4 --to http://127.0.0.1:8000 --key films/film.mp4 --title film
  cinedge ingest season1/*.mp4 --to https://origin.example --prefix series/s1 \\
      --token-env STUDIO_TOKEN --parallel 8 --json

The key defaults to the file's name. The token is taken from CINEDGE_TOKEN when
--token-env names no other variable; an origin on a loopback address may need none."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One file on its way to one key."""

    file: Path
    key: str
    size_bytes: int
    sha256: bytes


def add_parser(subparsers: Any) -> None:
    """Adds `ingest`."""
    parser = subparsers.add_parser(
        "ingest",
        help="upload films to an origin",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="what to upload")
    parser.add_argument(
        "--to", metavar="URL", required=True, type=like(OriginNode, "url"), help="the origin"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--key", help="key of the one file, e.g. films/film.mp4")
    where.add_argument("--prefix", metavar="P", help="keys are P/NAME-OF-FILE")
    parser.add_argument("--title", metavar="ID", help="also save a title that plays the one file")
    parser.add_argument("--title-name", metavar="NAME", help="what viewers see (default: the ID)")
    parser.add_argument(
        "--token-env", metavar="NAME", help="environment variable with the bearer token"
    )
    parser.add_argument(
        "--parallel",
        metavar="N",
        type=_streams,
        default=4,
        help="connections per file (1 to 16, default: 4)",
    )
    parser.add_argument(
        "--state", metavar="DIR", type=Path, help="remembers unfinished uploads (default: ~/.cache)"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object per file")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def run(args: argparse.Namespace) -> int:
    """Uploads every file. Raises UsageError, FailedError."""
    console = Console(stderr=True, quiet=args.quiet)
    with httpx.Client(
        base_url=args.to,
        headers=token_headers(args.token_env, os.environ),
        timeout=_TIMEOUT,
        verify=believing(""),
    ) as client:
        return upload_all(args, client, console, time.sleep)


def upload_all(
    args: argparse.Namespace,
    client: httpx.Client,
    console: Console,
    pause: Callable[[float], None],
) -> int:
    """Uploads every file in turn, printing each answer. Raises UsageError, FailedError."""
    keys = plan_keys(args)
    if args.title is not None:
        _require_title_id(client, args.title)
    folder = args.state or default_folder(os.environ)
    extent_bytes = None
    if any(file.stat().st_size > WHOLE_BYTES_MAX for file, _ in keys):
        extent_bytes = extent_bytes_of(client)
    with _progress(console) as progress:
        sender = Sender(client, folder, streams=args.parallel, report=progress.console.print)
        for file, key in keys:
            began = time.monotonic()
            if extent_bytes is None or file.stat().st_size <= WHOLE_BYTES_MAX:
                upload = _measure(file, key, progress)
                answer = put_file(client, upload, progress, pause)
            else:
                answer = _send_parts(sender, file, key, extent_bytes, progress)
            _tell(args, file, {**answer, "seconds": round(time.monotonic() - began, 3)})
    if args.title is not None:
        _put_title(client, args.title, args.title_name or args.title, keys[0][1])
    return 0


def _send_parts(
    sender: Sender, file: Path, key: str, extent_bytes: int, progress: Progress
) -> Mapping[str, Any]:
    task = progress.add_task(f"sending {key}", total=file.stat().st_size)
    shipment = Shipment(file, key, content_type_of(file))
    arrival = sender.send(
        shipment, extent_bytes, lambda count: progress.update(task, completed=count)
    )
    return {"key": key, **asdict(arrival)}


def _tell(args: argparse.Namespace, file: Path, answer: Mapping[str, Any]) -> None:
    if not args.json:
        print(f"{answer['key']} generation {answer['generation']} sha256 {answer['sha256']}")
        return
    names = ("key", "generation", "sha256", "size_bytes", "resumed_bytes", "seconds")
    told = {name: answer[name] for name in names if name in answer}
    print(json.dumps({"file": str(file), **told}), flush=True)


def _streams(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= STREAMS_MAX):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {STREAMS_MAX}")
    return int(text)


def content_type_of(file: Path) -> str:
    """What a file will be served as."""
    content_type, encoding = mimetypes.guess_type(file.name)
    return (not encoding and content_type) or "application/octet-stream"


def plan_keys(args: argparse.Namespace) -> list[tuple[Path, str]]:
    """Which file goes where; nothing is sent when one of them cannot. Raises UsageError."""
    if len(args.files) > 1 and (args.key is not None or args.title is not None):
        raise UsageError("--key and --title are for one file; use --prefix for several")
    if args.title_name is not None and args.title is None:
        raise UsageError("--title-name needs --title ID")
    plan: dict[str, Path] = {}
    for file in args.files:
        key = args.key or "/".join(filter(None, ((args.prefix or "").strip("/"), file.name)))
        try:
            parse_key(key)
        except BadKeyError as error:
            raise UsageError(f"{file}: {error.detail}; choose another with --key") from error
        if key in plan:
            raise UsageError(f"{plan[key]} and {file} would both become {key}")
        if not file.is_file():
            raise UsageError(f"{file} is not a file")
        plan[key] = file
    return [(file, key) for key, file in plan.items()]


def put_file(
    client: httpx.Client,
    upload: Upload,
    progress: Progress,
    pause: Callable[[float], None],
) -> Mapping[str, Any]:
    """Sends one file until the origin has it; its answer. Raises FailedError."""
    task = progress.add_task(f"sending {upload.key}", total=upload.size_bytes)
    problem = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            progress.console.print(f"{upload.key}: {problem}; trying again")
            pause(_PAUSE_SECONDS * 2 ** (attempt - 1))
        progress.reset(task, total=upload.size_bytes)
        try:
            response = _put(client, upload, progress, task)
        except httpx.TransportError as error:
            problem = f"{client.base_url}: {str(error) or type(error).__name__}"
            continue
        except OSError as error:
            raise FailedError(f"{upload.file}: {error}") from error
        if response.status_code not in _TRY_AGAIN:
            return _compare(upload, response)
        problem = explain(response)
    raise FailedError(f"{upload.key}: {problem} (tried {ATTEMPTS} times)")


def _put(client: httpx.Client, upload: Upload, progress: Progress, task: TaskID) -> httpx.Response:
    with upload.file.open("rb") as source:
        return client.put(
            CONTENT_PREFIX + upload.key,
            content=_pieces(source, upload, progress, task),
            headers={
                "Content-Length": str(upload.size_bytes),
                "Content-Type": content_type_of(upload.file),
                "Repr-Digest": format_digest_field({"sha-256": upload.sha256}),
            },
        )


def _pieces(source: BinaryIO, upload: Upload, progress: Progress, task: TaskID) -> Iterator[bytes]:
    left = upload.size_bytes
    while left:
        piece = source.read(min(PIECE_BYTES, left))
        if not piece:
            raise FailedError(f"{upload.file} has become shorter while it was read")
        left -= len(piece)
        yield piece
        progress.advance(task, len(piece))


def _compare(upload: Upload, response: httpx.Response) -> Mapping[str, Any]:
    if not response.is_success:
        raise FailedError(f"{upload.key}: {explain(response)}")
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or not {"key", "generation", "sha256"} <= answer.keys():
        raise FailedError(f"{response.url} did not answer as an origin does")
    if answer["sha256"] != upload.sha256.hex():
        raise FailedError(
            f"{upload.key}: the origin stored sha256 {answer['sha256']}, "
            f"the file has {upload.sha256.hex()}"
        )
    return answer


def _require_title_id(client: httpx.Client, title_id: str) -> None:
    """Better refused now than after ten gigabytes."""
    try:
        response = client.get(f"{TITLES_PATH}/{quote(title_id, safe='')}")
    except httpx.TransportError as error:
        raise FailedError(f"{client.base_url}: {error}") from error
    if response.status_code == 400:
        raise UsageError(f"--title {title_id}: {explain(response)}")


def _put_title(client: httpx.Client, title_id: str, name: str, key: str) -> None:
    try:
        response = client.put(f"{TITLES_PATH}/{title_id}", json={"title": name, "media": key})
    except httpx.TransportError as error:
        raise FailedError(f"title {title_id}: {error}") from error
    if not response.is_success:
        raise FailedError(f"title {title_id}: {explain(response)}")
    print(f"title {title_id} plays {key}")


def _measure(file: Path, key: str, progress: Progress) -> Upload:
    digest = hashlib.sha256()
    size_bytes = 0
    try:
        task = progress.add_task(f"reading {file.name}", total=file.stat().st_size)
        with file.open("rb") as source:
            while piece := source.read(PIECE_BYTES):
                digest.update(piece)
                size_bytes += len(piece)
                progress.advance(task, len(piece))
    except OSError as error:
        raise FailedError(f"{file}: {error.strerror or error}") from error
    progress.remove_task(task)
    return Upload(file, key, size_bytes, digest.digest())


def token_headers(variable: str | None, environ: Mapping[str, str]) -> dict[str, str]:
    """The Authorization field, when there is a token. Raises UsageError."""
    token = environ.get(variable or _DEFAULT_TOKEN_ENV, "")
    if variable is not None and not token:
        raise UsageError(f"environment variable {variable} is not set")
    if not token:
        return {}
    if not token.isascii() or not token.isprintable():
        raise UsageError(f"{variable or _DEFAULT_TOKEN_ENV} holds no bearer token")
    return {"Authorization": f"Bearer {token}"}


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
