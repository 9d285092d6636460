"""The access log and diagnostics: one line each, nothing secret, nothing lost silently."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.service.logs import (
    FLUSH_BYTES,
    AccessLog,
    FileSink,
    configure_logging,
    format_time,
    open_log,
    redact_event,
    render_record,
)
from tests.cdnkit.service.conftest import NOW, MemorySink


class Told(MemorySink):
    """A sink that tells when it was written to."""

    def __init__(self) -> None:
        super().__init__()
        self.written = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def write(self, data: bytes) -> None:
        super().write(data)
        self._loop.call_soon_threadsafe(self.written.set)


@pytest.fixture
def _logging_restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_time_is_utc_with_milliseconds() -> None:
    assert format_time(NOW) == "2030-01-02T03:04:05.678Z"
    assert format_time(0.0) == "1970-01-01T00:00:00.000Z"


def test_absent_facts_take_no_room() -> None:
    assert render_record({"range": None, "status": 200}) == '{"status":200}'


def test_tokens_never_reach_the_file() -> None:
    line = render_record({"path": "/~abcdef/a.mp4?token=s3cret&x=1"})
    assert json.loads(line) == {"path": "/~[redacted]/a.mp4?token=[redacted]&x=1"}


def test_a_line_break_in_a_field_starts_no_line() -> None:
    line = render_record({"user_agent": 'x\r\n{"status":200}\x1b[31m\u2028'})
    assert line.isascii()
    assert line.isprintable()


def test_bytes_that_are_not_text_stay_valid_json() -> None:
    line = render_record({"user_agent": "caf\udce9"})
    assert json.loads(line)["user_agent"].encode() == b"caf\\udce9"


def test_long_texts_are_cut() -> None:
    assert len(json.loads(render_record({"path": "/" + "a" * 9000}))["path"]) == 2049


@given(st.dictionaries(st.text(max_size=9), st.text(max_size=60) | st.integers() | st.none()))
def test_every_record_is_one_line_of_json(record: dict[str, Any]) -> None:
    record.pop("time", None)
    line = render_record(record)
    assert "\n" not in line
    expected = {name for name, value in record.items() if value is not None}
    assert set(json.loads(line)) == expected


async def test_many_records_are_one_write() -> None:
    sink = MemorySink()
    log = AccessLog(sink)
    for number in range(1000):
        log.append({"n": number})
    assert sink.writes == []
    await log.flush()
    assert len(sink.writes) == 1
    assert [line["n"] for line in sink.lines()] == list(range(1000))
    await log.flush()
    assert len(sink.writes) == 1


async def test_closing_writes_the_rest_and_lets_go() -> None:
    sink = MemorySink()
    log = AccessLog(sink)
    async with log, log:
        log.append({"n": 1})
    assert sink.lines() == [{"n": 1}]
    assert sink.closed
    assert not log.enabled
    log.append({"n": 2})
    await log.flush()
    assert len(sink.writes) == 1


async def test_the_background_task_writes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cdnkit.service.logs.FLUSH_INTERVAL_SECONDS", 0.0)
    sink = Told()
    async with AccessLog(sink) as log:
        log.append({"n": 1})
        async with asyncio.timeout(5):
            await sink.written.wait()
        assert sink.lines() == [{"n": 1}]


async def test_a_full_disk_costs_lines_not_the_process() -> None:
    sink = MemorySink(broken=True)
    log = AccessLog(sink)
    log.append({"n": 1})
    with structlog.testing.capture_logs() as events:
        await log.flush()
    assert log.dropped == 1
    assert events[0]["event"] == "access log not written"
    sink.broken = False
    log.append({"n": 2})
    await log.flush()
    assert sink.lines() == [{"n": 2}]


async def test_memory_is_bounded_when_nothing_is_written() -> None:
    sink = MemorySink()
    log = AccessLog(sink, records_max=3)
    for number in range(5):
        log.append({"n": number})
    assert log.dropped == 2
    await log.flush()
    assert [line["n"] for line in sink.lines()] == [0, 1, 2]


async def test_memory_of_rendered_lines_is_bounded_in_bytes_and_lines_are_counted() -> None:
    sink = MemorySink(broken=True)
    log = AccessLog(sink, rendered_bytes_max=30)
    log.append_rendered(b'{"n":1}\n{"n":2}\n')
    log.append_rendered(b'{"n":3}\n{"n":4}\n')
    assert log.dropped == 2
    with structlog.testing.capture_logs():
        await log.flush()
    assert log.dropped == 4
    sink.broken = False
    log.append_rendered(b'{"n":5}\n')
    await log.flush()
    assert sink.lines() == [{"n": 5}]


async def test_many_rendered_lines_are_written_before_the_interval_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cdnkit.service.logs.FLUSH_INTERVAL_SECONDS", 3600.0)
    sink = Told()
    async with AccessLog(sink) as log:
        line = b'{"n":1}\n'
        log.append_rendered(line)
        log.append_rendered(line * (FLUSH_BYTES // len(line)))
        async with asyncio.timeout(5):
            await sink.written.wait()
        assert len(sink.lines()) == FLUSH_BYTES // len(line) + 1


async def test_after_a_rotation_lines_go_to_the_new_file(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    async with open_log(str(path)) as log:
        log.append({"n": 1})
        await log.flush()
        path.rename(tmp_path / "access.log.1")
        log.append({"n": 2})
        log.reopen()
        await log.flush()
    assert (tmp_path / "access.log.1").read_text() == '{"n":1}\n'
    assert path.read_text() == '{"n":2}\n'


async def test_a_failed_reopening_keeps_the_old_file(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    async with open_log(str(folder / "a.log")) as log:
        folder.rename(tmp_path / "moved")
        log.append({"n": 1})
        log.reopen()
        await log.flush()
    assert (tmp_path / "moved" / "a.log").read_text() == '{"n":1}\n'


def test_two_processes_append_to_one_file(tmp_path: Path) -> None:
    path = str(tmp_path / "a.log")
    first, second = FileSink(path), FileSink(path)
    first.write(b"1\n")
    second.write(b"2\n")
    first.write(b"3\n")
    first.close()
    second.close()
    assert Path(path).read_bytes() == b"1\n2\n3\n"
    assert Path(path).stat().st_mode & 0o007 == 0


async def test_the_empty_path_is_no_log() -> None:
    log = open_log("")
    assert not log.enabled
    async with log:
        log.append({"n": 1})


def test_a_path_that_cannot_be_opened_says_so_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        open_log(str(tmp_path / "nowhere" / "a.log"))


async def test_the_dash_is_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    async with open_log("-") as log:
        log.append({"n": 1})
    assert capfd.readouterr().out == '{"n":1}\n'


@pytest.mark.usefixtures("_logging_restored")
def test_diagnostics_are_json_lines_of_ours_and_of_libraries() -> None:
    stream = io.StringIO()
    configure_logging("edge", "e1", "info", stream)
    structlog.get_logger().info("filled", key="films/a.mp4", token="s3cret")
    logging.getLogger("aiohttp.server").warning("odd %s", "/~s3cret/a")
    structlog.get_logger().debug("hidden")
    try:
        raise ValueError("Bearer s3cret")
    except ValueError:
        structlog.get_logger().exception("failed")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["filled", "odd /~[redacted]/a", "failed"]
    assert all((line["tier"], line["node"]) == ("edge", "e1") for line in lines)
    assert lines[0]["key"] == "films/a.mp4"
    assert [line["level"] for line in lines] == ["info", "warning", "error"]
    assert "Traceback" in lines[2]["exception"]
    assert "s3cret" not in stream.getvalue().replace('ValueError("Bearer s3cret")', "")


@pytest.mark.usefixtures("_logging_restored")
def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="loud"):
        configure_logging("edge", "e1", "loud")


def test_secret_names_lose_their_values() -> None:
    event: dict[str, Any] = {"Authorization": "x", "event": "token=abc", "n": 1}
    assert redact_event(None, "info", event) == {
        "Authorization": "[redacted]",
        "event": "token=[redacted]",
        "n": 1,
    }
