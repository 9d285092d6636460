"""A double of Stripe on loopback: localstripe, corrected where it differs from Stripe's documents.

A program, never a module to import: localstripe is GPL and stays apart. Four things are corrected.
An `Idempotency-Key` that was seen is answered as the first time; a subscription with a trial is
`trialing`; an update is told to webhooks too; a preview leaves nothing behind. `/_config/calls`
says which requests changed something. What it holds is kept in a file, or nowhere.
"""

from __future__ import annotations

import argparse
import asyncio
import pickle
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from aiohttp import web
from localstripe import resources, server

DAY_SECONDS = 86400
PREVIEW_PATH = "/v1/invoices/create_preview"

_answers: dict[str, tuple[int, bytes]] = {}
_calls: list[dict[str, str]] = []


@web.middleware
async def remember_keys(request: web.Request, handler: Any) -> web.StreamResponse:
    """Answer a key as the first time (https://docs.stripe.com/api/idempotent_requests)."""
    key = request.headers.get("Idempotency-Key", "")
    if request.method != "POST" or not key:
        return await handler(request)  # type: ignore[no-any-return]
    if key in _answers:
        status, body = _answers[key]
        return web.Response(status=status, body=body, content_type="application/json")
    answer = await handler(request)
    _answers[key] = (answer.status, answer.body)
    _calls.append({"path": request.path, "key": key})
    return answer  # type: ignore[no-any-return]


@web.middleware
async def forget_previews(request: web.Request, handler: Any) -> web.StreamResponse:
    """A preview is looked at and charged to nobody; its items would stand in the next invoice."""
    if request.path != PREVIEW_PATH:
        return await handler(request)  # type: ignore[no-any-return]
    await request.read()  # so that nothing else is done between here and the answer
    before = set(resources.store)
    answer = await handler(request)
    for key in set(resources.store) - before:
        del resources.store[key]
    return answer  # type: ignore[no-any-return]


async def list_calls(_request: web.Request) -> web.Response:
    """What changed something, with its keys."""
    return web.json_response(_calls)


async def forget_keys(_request: web.Request) -> web.Response:
    """Stripe forgets keys after a day; here, now."""
    _answers.clear()
    return web.Response()


def _correct_subscriptions() -> None:
    create = resources.Subscription.__init__
    update = resources.Subscription._update

    def init(self: Any, **data: Any) -> None:
        create(self, **data)
        if self.trial_period_days:
            self.status = "trialing"
            self.trial_end = int(time.time()) + self.trial_period_days * DAY_SECONDS

    def changed(self: Any, **data: Any) -> None:
        update(self, **data)
        resources.schedule_webhook(resources.Event("customer.subscription.updated", self))

    resources.Subscription.__init__ = init
    resources.Subscription._update = changed


def _keep_in(path: Path | None) -> None:
    """Begin with what the file holds, and write each change to it."""
    if path is not None and path.exists():
        resources.store.update(pickle.loads(path.read_bytes()))

    def dump(store: Any) -> None:
        if path is not None:
            aside = path.with_suffix(".part")
            aside.write_bytes(pickle.dumps(dict(store)))
            aside.replace(path)

    resources.Store.dump_to_disk = dump


async def serve(port: int, keep: Path | None, *, ends_with_input: bool) -> None:
    """Answer on a port, 0 for a free one that is printed, until told to stop."""
    _keep_in(keep)
    _correct_subscriptions()
    server.app.middlewares.insert(0, remember_keys)
    server.app.middlewares.append(forget_previews)
    server.app.router.add_get("/_config/calls", list_calls)
    server.app.router.add_delete("/_config/keys", forget_keys)
    runner = web.AppRunner(server.app)
    await runner.setup()
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    with socket.create_server(("127.0.0.1", port)) as listening:
        await web.SockSite(runner, listening).start()
        print(listening.getsockname()[1], flush=True)
        if ends_with_input:
            await loop.run_in_executor(None, sys.stdin.read)
        else:
            loop.add_signal_handler(signal.SIGTERM, stop.set)
            await stop.wait()
        await runner.cleanup()


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(description="A double of Stripe on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0: a free one (default)")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="where everything is kept")
    parser.add_argument(
        "--ends-with-input", action="store_true", help="stop when the standard input is closed"
    )
    args = parser.parse_args()
    asyncio.run(serve(args.port, args.keep, ends_with_input=args.ends_with_input))


if __name__ == "__main__":
    main()
