"""Conversations of a client, an edge and its origin, kept as data: who says what, what follows.

A case is a list of steps; each is one request of the client on one connection:

    - name: an answer with a lifetime is served again, and older by what has passed
      item: 12
      section: RFC 9111 5.1
      steps:
        - {origin: [200, "Cache-Control: max-age=60"]}
        - {wait: 5, fields: {age: "5"}}

`origin` is what the origin answers in this step: a status, field lines, and the last element, when
it is a mapping, may give `body`, `raw` (the whole answer), or `close`; or it is `thing`: the case's
own, served with ranges and conditions. A step without `origin` must be answered without asking;
`asked` says how many questions otherwise, or `any`. `{-10}` in a line is the date ten seconds ago.
Unless `body` says otherwise, the client must get what the origin sent last.

Other keys: `wait` seconds before, `method`, `path` (added to the case's own), `send` (lines),
`content`, `raw` (the client's whole message, PATH being the target); `want` the status, `fields` by
name (text, or /pattern/, or null for absent), `asked_fields` likewise of the request that reached
the origin, `interim` the statuses before the answer.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any

from cdnkit.dates import format_http_date
from tests.edge.conftest import Asked, Edge, Thing, eventually, plain_answer, read_content
from tests.helpers.clock import FakeClock
from tests.helpers.raw_client import Answer, CutShortError, RawClient, head

_DATE = re.compile(r"\{([+-][0-9]+)\}")
_GROWN = re.compile(r"(LONG|LINES|INTERIM)-([0-9]+)")
_NO_CONTENT = (204, 304)
_OWN_CONTENT = (204, 304, 412, 416)


@dataclass(slots=True)
class Conversation:
    """One case in front of a running edge whose clock is `clock`."""

    case: dict[str, Any]
    edge: Edge
    clock: FakeClock
    path: str = "/case"
    heard: list[Asked] = field(default_factory=list)
    _step: dict[str, Any] = field(default_factory=dict)
    _number: int = 0
    _said: str = ""

    async def run(self) -> None:
        """All steps in order; AssertionError names the step that went wrong."""
        origin = self.edge.origin
        thing = self.case.get("thing")
        for suffix in {step.get("path", "") for step in self.case["steps"]}:
            target = (self.path + suffix).partition("?")[0]
            origin.scripts[target] = self._answer
            if thing is not None:
                origin.things[target] = Thing(
                    thing["content"].encode(), thing.get("etag", '"v1"'), tuple(thing["lines"])
                )
        client = await self.edge.client()
        for number, step in enumerate(self.case["steps"], 1):
            self._step, self._number = step, number
            self.clock.advance(step.get("wait", 0))
            before = len(self.heard)
            answer = await self._ask(client)
            if not client_stays(answer):
                client = await self.edge.client()
            await self._check_asked(before)
            self._check(answer, before)

    async def _ask(self, client: RawClient) -> Answer | None:
        step = self._step
        method = step.get("method", "GET")
        lines = [self._dated(line) for line in step.get("send", ())]
        content = step.get("content", "").encode()
        if content:
            lines.append(f"Content-Length: {len(content)}")
        target = self.path + step.get("path", "")
        whole = head(target, *lines, method=method) + content
        if "raw" in step:
            whole = _GROWN.sub(_grown, step["raw"]).replace("PATH", target).encode("latin-1")
        await client.send(whole)
        try:
            return await client.answer(method)
        except CutShortError:
            return None

    async def _answer(
        self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        asked.body = await read_content(asked, reader)
        self.heard.append(asked)
        told = self._step.get("origin")
        if told == "thing":
            await self.edge.origin.serve_thing(asked, reader, writer)
            return
        if told is None:
            writer.write(plain_answer("500 Asked", b"the origin must not be asked here"))
            return
        more = told[-1] if isinstance(told[-1], dict) else {}
        lines = [self._dated(line) for line in told[1:] if isinstance(line, str)]
        status = told[0]
        if "raw" in more:
            writer.write(_GROWN.sub(_grown, self._dated(more["raw"])).encode("latin-1"))
        elif status in _NO_CONTENT:
            writer.write("\r\n".join([f"HTTP/1.1 {status} X", *lines, "", ""]).encode("latin-1"))
        else:
            body = more.get("body", f"content {self._number}").encode("latin-1")
            sent = b"" if asked.method == "HEAD" else body
            writer.write(plain_answer(f"{status} X", sent, *lines, length=len(body)))
        if more.get("close"):
            await writer.drain()
            writer.close()

    async def _check_asked(self, before: int) -> None:
        expected = self._step.get("asked", 1 if "origin" in self._step else 0)
        if expected == "any":
            return
        if len(self.heard) - before < expected:
            await eventually(
                lambda: len(self.heard) - before >= expected, f"step {self._number}: asked"
            )
        assert len(self.heard) - before == expected, f"step {self._number}: questions asked"
        # Until the edge has heard the answer, the next step would join this question.
        refreshing = self.edge.worker.fetcher.refreshing
        await eventually(lambda: not refreshing, f"step {self._number}: answered")

    def _check(self, answer: Answer | None, before: int) -> None:
        step, where = self._step, f"step {self._number}"
        want = step.get("want", 200)
        if want == "cut":
            assert answer is None, f"{where}: a short answer must not end well"
            return
        assert answer is not None, f"{where}: the answer was cut"
        assert answer.status == want, f"{where}: {answer.status} {answer.fields} {answer.body!r}"
        if step.get("interim") != "any":
            assert [each.status for each in answer.interim] == step.get("interim", []), where
        if len(self.heard) > before:
            self._told()
            _compare(step.get("asked_fields", {}), self.heard[-1].fields, f"{where}, origin got")
        if "body" in step:
            _compare({"body": step["body"]}, {"body": answer.body.decode("latin-1")}, where)
        elif self._speaks_for_the_origin(want):
            assert answer.body.decode("latin-1") == self._said, where
        _compare(
            {name: self._dated(text) for name, text in step.get("fields", {}).items()},
            answer.fields,
            where,
        )

    def _speaks_for_the_origin(self, status: int) -> bool:
        if status in _OWN_CONTENT or self._step.get("method", "GET") != "GET":
            return False
        return status < 400 or (status < 500 and "origin" in self._step)

    def _told(self) -> None:
        told = self._step.get("origin")
        if not isinstance(told, list) or told[0] in _NO_CONTENT:
            return
        more = told[-1] if isinstance(told[-1], dict) else {}
        self._said = more.get("body", f"content {self._number}")

    def _dated(self, line: Any) -> Any:
        if not isinstance(line, str):
            return line
        return _DATE.sub(lambda found: format_http_date(self.clock.now + int(found[1])), line)


def _grown(found: re.Match[str]) -> str:
    """LONG-9 is nine letters, LINES-9 nine field lines, INTERIM-9 nine answers before the last."""
    count = int(found[2])
    if found[1] == "LINES":
        return "".join(f"X{n}: 1\r\n" for n in range(count))
    return {"LONG": "x", "INTERIM": "HTTP/1.1 103 Early Hints\r\n\r\n"}[found[1]] * count


def client_stays(answer: Answer | None) -> bool:
    """Whether another request may follow on the connection."""
    return answer is not None and answer.fields.get("connection") != "close"


def _compare(expected: dict[str, Any], got: dict[str, str], where: str) -> None:
    for name, text in expected.items():
        value = got.get(name)
        if text is None:
            assert value is None, f"{where}: {name}: {value!r}"
        elif text.startswith("/"):
            assert value is not None, f"{where}: no {name}"
            assert re.search(text[1:-1], value), f"{where}: {name}: {value!r}"
        else:
            assert value == text, f"{where}: {name}: {value!r}"
