"""What a handler declares is read from the request, asked of the caller and answered as JSON."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from cdnkit.errors import ForbiddenError, NotFoundError, UnauthorizedError
from cdnkit.service.operations import AUTHORIZE, Answer, Shape, operation, operation_of, reply
from tests.cdnkit.service.conftest import Start


class Path(Shape):
    """A path."""

    name: str


class Query(Shape):
    """A query."""

    loud: bool = False


class Body(Shape):
    """A body."""

    text: str


class Echo(Shape):
    """An answer."""

    name: str
    text: str
    extra: str = "unset members stay away"


class Shop:
    """Handlers as a domain has them."""

    @operation(problems=(NotFoundError,), scope="upload")
    async def say(self, request: web.Request, path: Path, query: Query, body: Body) -> Echo:
        """Say it.

        And say it again.
        """
        return Echo(name=path.name, text=body.text.upper() if query.loud else body.text)

    @operation(answers={201: Answer("Made.", Echo)}, body=Body, body_bytes_max=10)
    async def make(self, request: web.Request) -> web.StreamResponse:
        """Make it."""
        return reply(Echo(name="n", text="t"), 201, {"ETag": '"1"', "Cache-Control": "no-cache"})

    @operation(scope="upload", enforce=False)
    async def asks_itself(self, request: web.Request) -> Echo:
        """Ask late."""
        return Echo(name="n", text="t")


def authorize(request: web.Request, scope: str) -> str:
    """Tokens named after what they may."""
    token = request.headers.get("Authorization")
    if token is None:
        raise UnauthorizedError("who?")
    if token != scope:
        raise ForbiddenError("not you")
    return token


def routes() -> list[web.RouteDef]:
    shop = Shop()
    return [
        web.post("/say/{name}", shop.say),
        web.post("/make", shop.make),
        web.get("/late", shop.asks_itself),
    ]


@pytest.fixture
async def ask(start: Start) -> Any:
    rig = await start(routes(), authorize_scope=authorize)

    async def go(method: str, path: str, **more: Any) -> tuple[int, Any]:
        async with rig.client.request(method, rig.url(path), **more) as answer:
            return answer.status, await answer.json(content_type=None)

    return go


async def test_inputs_are_bound_by_their_names(ask: Any) -> None:
    told = {"json": {"text": "a"}, "headers": {"Authorization": "upload"}}
    assert await ask("POST", "/say/x?loud=true", **told) == (200, {"name": "x", "text": "A"})


@pytest.mark.parametrize(
    ("token", "path", "body", "status"),
    [
        (None, "/say/x?wrong=1", {}, 401),
        ("other", "/say/x?wrong=1", {}, 403),
        ("upload", "/say/x?wrong=1", {}, 400),
        ("upload", "/say/x", {}, 400),
        ("upload", "/say/x", {"text": "a", "more": 1}, 400),
    ],
)
async def test_caller_is_asked_before_query_and_body_are_read(
    ask: Any, token: str | None, path: str, body: Any, status: int
) -> None:
    headers = {} if token is None else {"Authorization": token}
    assert (await ask("POST", path, json=body, headers=headers))[0] == status


async def test_handler_that_asks_itself_is_not_asked_for(ask: Any) -> None:
    assert (await ask("GET", "/late"))[0] == 200


async def test_scope_without_anybody_to_ask_lets_nobody_in(start: Start) -> None:
    rig = await start(routes())
    assert AUTHORIZE not in rig.app
    async with rig.client.post(rig.url("/say/x"), json={"text": "a"}) as answer:
        assert answer.status == 500


async def test_answer_is_stored_by_nobody_unless_the_handler_says_so(start: Start) -> None:
    rig = await start(routes(), authorize_scope=authorize)
    async with rig.client.get(rig.url("/late")) as answer:
        assert answer.headers["Cache-Control"] == "no-store"
    async with rig.client.post(rig.url("/make"), json={}) as answer:
        assert (answer.status, answer.headers["ETag"]) == (201, '"1"')
        assert answer.headers["Cache-Control"] == "no-cache"


def test_declaration_is_made_of_docstring_and_annotations() -> None:
    said = operation_of(Shop().say)
    assert said is not None
    assert (said.summary, said.description, said.tag) == ("Say it.", "And say it again.", "shop")
    assert (said.path, said.query, said.body, said.body_type) == (
        *(Path, Query, Body),
        "application/json",
    )
    assert {status: answer.shape for status, answer in said.answers.items()} == {200: Echo}
    made = operation_of(Shop().make)
    assert made is not None
    assert list(made.answers) == [201]
    assert operation_of(print) is None
