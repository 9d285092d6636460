"""Whatever befalls origins, journals, disks and edges: nothing is served unasked that may be wrong.

A walk of hypothesis over real feeds, marks, places and heirs; origins, what is held, and the queue
of a disk are models of a few lines. Served unasked may be only what was true when the journals last
said that there is no more, or later.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import shutil
import tempfile
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, Final, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge.box.settle import settle
from edge.cache.epochs import Epochs
from edge.feed import Feed, places_of
from edge.marks_file import MARKS_NAME, KeptMarks

ORIGINS: Final = ("a", "b")
KEYS: Final = ("a0", "a1", "b0")
_TURNS: Final = 12
"""What a feed does until it waits again takes fewer turns of the loop."""


class Origin:
    """Versions of what it has, when each began, and its journal."""

    def __init__(self, name: str) -> None:
        self.versions: dict[str, list[int]] = {key: [0] for key in KEYS if key[0] == name}
        self.changes: list[dict[str, Any]] = []
        self.last = 0
        # One of an older version has none.
        self.name = "journal-0" if name == ORIGINS[0] else None
        self.names = 0

    def version(self, key: str) -> int:
        return len(self.versions[key]) - 1

    def tell(self, kind: str, key: str = "", etag: str = "") -> None:
        self.last += 1
        told = {"sequence": self.last, "kind": kind, "key": key, "etag": etag}
        self.changes.append(told)

    def rename(self) -> None:
        self.names += 1
        self.name = f"journal-{self.names}"

    def page(self, after: int) -> dict[str, Any]:
        found = [each for each in self.changes if each["sequence"] > after]
        named = {} if self.name is None else {"journal": self.name}
        return {"changes": found, "last": self.last, **named}


@dataclass(frozen=True, slots=True)
class Held:
    version: int
    mark: str
    stale: bool


class Answers:
    """The client of one feed: a question waits until it is answered."""

    def __init__(self) -> None:
        self.after = 0
        self.waiting: asyncio.Future[dict[str, Any]] | None = None
        self.status = 200

    @contextlib.asynccontextmanager
    async def session(self) -> Any:
        yield self

    @contextlib.asynccontextmanager
    async def get(self, url: str, params: dict[str, str], timeout: object) -> Any:
        self.after = int(params["after"])
        self.waiting = asyncio.get_running_loop().create_future()
        self.said = await self.waiting
        yield self

    def raise_for_status(self) -> None:
        """It is one."""

    async def json(self) -> dict[str, Any]:
        return self.said


class Nobody:
    async def told(self) -> bool:
        return True


class Worker:
    """Stands for the holdings of a worker, as far as its feeds know them."""

    def __init__(self, path: Path, number: int, workers: int, disk: dict[str, Held]) -> None:
        self.keys = [key for at, key in enumerate(KEYS) if at % workers == number]
        self.disk = disk
        self.held = {key: disk[key] for key in self.keys if key in disk}
        self.queue: deque[tuple[Callable[[], None], Future[None]]] = deque()
        self.epochs = Epochs()
        self.marks = KeptMarks(lambda _, writing: self.later(writing))
        self.trust = self.marks.trust
        self.sharing = None
        self.answers = [Answers() for _ in ORIGINS]
        self.true_since: list[float] = [math.inf for _ in ORIGINS]
        directory = places_of(path, number, workers)
        directory.mkdir(parents=True, exist_ok=True)
        nobody = cast(Any, Nobody())
        self.feeds = [
            Feed(
                *(f"http://{name}", cast(Any, self), lambda key: [key.encode()]),
                directory / f"feed-{name}.json",
                nobody,
                nobody,
                cast(Any, answers),
            )
            for name, answers in zip(ORIGINS, self.answers, strict=True)
        ]
        for each in self.answers:
            each.edge = "edge"  # type: ignore[attr-defined]
        self.tasks = [asyncio.ensure_future(feed.follow()) for feed in self.feeds]

    def later(self, work: Callable[[], None]) -> Future[None]:
        self.queue.append((work, Future()))
        return self.queue[-1][1]

    def write(self, count: int) -> None:
        for _ in range(min(count, len(self.queue))):
            work, done = self.queue.popleft()
            work()
            done.set_result(None)

    def keep(self, key: str, held: Held | None) -> None:
        if held is None:
            self.held.pop(key, None)
            self.later(partial(self._unlink, key))
        else:
            self.held[key] = held
            self.later(partial(self.disk.update, {key: held}))

    def _unlink(self, key: str) -> None:
        self.disk.pop(key, None)

    # what a feed asks of holdings

    def distrust(self) -> None:
        self.epochs.change_all()
        self.trust.renounce()
        self.marks.save()

    def invalidate(self, target: bytes, new_etag: str | None = None) -> None:
        self.epochs.change(target)
        held = self.held.get(target.decode())
        if held is not None and (new_etag is None or str(held.version) != new_etag):
            self.keep(target.decode(), None)

    async def recorded(self) -> bool:
        if self.queue:
            await asyncio.wrap_future(self.queue[-1][1])
        return await self.marks.recorded()

    # what viewers see

    def serves_unasked(self, key: str) -> Held | None:
        held = self.held.get(key)
        if held is None or held.stale or self.trust.doubts(held.mark, is_followed=True):
            return None
        return held


keys = st.sampled_from(KEYS)
origins = st.integers(0, len(ORIGINS) - 1)
some = st.integers(0, 2)


class Walk(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.loop = asyncio.new_event_loop()
        self.path = Path(tempfile.mkdtemp())
        self.origins = [Origin(name) for name in ORIGINS]
        self.disk: dict[str, Held] = {}
        self.asked: list[tuple[Worker, str, int, int]] = []
        self.workers: list[Worker] = []
        self.begin(1)
        self.hear_all()
        for key in KEYS:
            self.fetch(key)
        self.write_all()

    def turn(self) -> None:
        async def pass_by() -> None:
            for _ in range(_TURNS):
                await asyncio.sleep(0)

        self.loop.run_until_complete(pass_by())

    def begin(self, workers: int) -> None:
        settle(self.path, workers)

        async def begin() -> None:
            self.workers = [
                Worker(self.path, number, workers, self.disk) for number in range(workers)
            ]

        self.loop.run_until_complete(begin())
        self.asked = []
        self.turn()

    def end(self, written: int | None) -> None:
        for worker in self.workers:
            worker.write(len(worker.queue) if written is None else written)
        if written is None:
            self.turn()
        tasks = [task for worker in self.workers for task in worker.tasks]
        tasks += [feed._keeping for each in self.workers for feed in each.feeds if feed._keeping]
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.wait(tasks))

    def teardown(self) -> None:
        self.end(0)
        self.loop.close()
        shutil.rmtree(self.path)

    def worker_of(self, key: str) -> Worker:
        return next(worker for worker in self.workers if key in worker.keys)

    def of(self, key: str) -> Origin:
        return self.origins[ORIGINS.index(key[0])]

    @rule(key=keys, published=st.booleans())
    def replace(self, key: str, published: bool) -> None:
        self.now += 1
        origin = self.of(key)
        origin.versions[key].append(self.now)
        if published:
            origin.tell("publish", key, str(origin.version(key)))
        else:
            origin.tell("delete", key)

    @rule(at=origins, how=st.sampled_from(["restored", "renamed", "gap", "all"]))
    def another_life(self, at: int, how: str) -> None:
        """Nothing that is told says what has changed."""
        self.now += 1
        origin = self.origins[at]
        for versions in origin.versions.values():
            versions.append(self.now)
        if how in ("restored", "all"):
            origin.last = origin.last * 2 + 1000
        if origin.name is None and how in ("renamed", "all"):
            how = "restored"
        if how in ("renamed", "all"):
            origin.rename()
        if how in ("restored", "all"):
            origin.tell("restored")
        if how == "gap":
            # Never between a follower's place and one that it may come to by itself.
            origin.last += 1
            origin.tell("delete", next(iter(origin.versions)))

    @rule(key=keys)
    def ask(self, key: str) -> None:
        worker = self.worker_of(key)
        self.asked.append((worker, key, self.of(key).version(key), worker.epochs.now))

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def answered(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(self.asked) - 1))
        worker, key, version, epoch = self.asked.pop(at)
        past = worker.epochs.is_past(key.encode(), epoch)
        worker.keep(key, Held(version, worker.trust.marks.newest, past))

    @rule(key=keys)
    def fetch(self, key: str) -> None:
        worker = self.worker_of(key)
        worker.keep(key, Held(self.of(key).version(key), worker.trust.marks.newest, False))

    @rule()
    def hear_all(self) -> None:
        for number, at in product(range(len(self.workers)), range(len(ORIGINS))):
            self.hear(number, at)

    @rule()
    def write_all(self) -> None:
        for _ in range(3):
            for worker in self.workers:
                worker.write(len(worker.queue))
            self.turn()

    @rule(number=some, at=origins)
    def hear(self, number: int, at: int) -> None:
        worker = self.workers[number % len(self.workers)]
        answers, origin = worker.answers[at], self.origins[at]
        if answers.waiting is not None and not answers.waiting.done():
            answers.waiting.set_result(origin.page(answers.after))
            self.turn()
            worker.true_since[at] = self.now

    @rule(number=some, at=origins)
    def cut(self, number: int, at: int) -> None:
        worker = self.workers[number % len(self.workers)]
        answers = worker.answers[at]
        if answers.waiting is not None and not answers.waiting.done():
            answers.waiting.set_exception(TimeoutError())
            worker.true_since[at] = math.inf
            self.turn()

    @rule(number=some, count=st.integers(1, 5))
    def write(self, number: int, count: int) -> None:
        self.workers[number % len(self.workers)].write(count)
        self.turn()

    @rule(workers=st.integers(1, 3), written=st.none() | st.integers(0, 3))
    def restart(self, workers: int, written: int | None) -> None:
        self.end(written)
        self.begin(workers)

    @rule(at=origins, workers=st.integers(1, 3), written=st.none() | st.integers(0, 3))
    def another_life_and_another_start(self, at: int, workers: int, written: int | None) -> None:
        self.another_life(at, "restored")
        self.hear_all()
        self.restart(workers, written)
        self.hear_all()

    @rule(key=keys, workers=st.integers(1, 3))
    def changed_in_between(self, key: str, workers: int) -> None:
        self.replace(key, published=True)
        self.hear(0, ORIGINS.index(key[0]))
        self.restart(workers, 0)
        self.hear_all()

    @rule(workers=st.integers(1, 3), what=st.sampled_from([MARKS_NAME, "feed-a.json"]))
    def lose_a_file(self, workers: int, what: str) -> None:
        self.end(None)
        for path in list(self.path.rglob(what))[:1]:
            if what == MARKS_NAME:
                path.write_text("")
            else:
                path.unlink()
        self.begin(workers)

    @invariant()
    def nothing_wrong_is_served_unasked(self) -> None:
        for worker in self.workers:
            for key in worker.keys:
                held = worker.serves_unasked(key)
                if held is None:
                    continue
                began = self.of(key).versions[key]
                ended = began[held.version + 1] if held.version + 1 < len(began) else self.now + 1
                heard = worker.true_since[ORIGINS.index(key[0])]
                assert ended > heard, (key, held, began, heard)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def here(work: Callable[..., Any], *arguments: Any) -> Any:
        return work(*arguments)

    monkeypatch.setattr("asyncio.to_thread", here)
    monkeypatch.setattr("edge.feed._RETRY_SECONDS", 0)


TestWalk = Walk.TestCase
TestWalk.settings = settings(
    max_examples=400,
    stateful_step_count=15,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("how", ["restored", "renamed", "gap", "all"])
@pytest.mark.parametrize("written", [None, 0, 1, 2, 3])
@pytest.mark.parametrize("workers", [1, 3])
def test_another_life_is_noticed_before_and_after_a_start(
    how: str, written: int | None, workers: int
) -> None:
    walk = Walk()
    walk.another_life(0, how)
    walk.hear_all()
    walk.nothing_wrong_is_served_unasked()
    walk.restart(workers, written)
    walk.hear_all()
    walk.nothing_wrong_is_served_unasked()
    walk.teardown()
