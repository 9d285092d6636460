"""What a handler takes and how it may end, declared beside it once.

    class TitlePath(Shape):
        id: TitleId

    @operation(problems=(NotFoundError,), scope="upload")
    async def get(self, request: web.Request, path: TitlePath) -> Title:
        \"""One title.\"""

A parameter called `path`, `query` or `body` is read from the request, checked and bound
(`cdnkit.service.binding`); one called `viewer` is the signed-in person who asks
(`cdnkit.service.viewers`), who must have chosen a profile when the operation says so. An answer
that is a model becomes JSON. What a handler reads by itself is named in the declaration instead,
for the document alone (`cdnkit.service.openapi`). With `scope`, callers are asked for their token
once the path is understood.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, get_type_hints

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from cdnkit.errors import CinedgeError
from cdnkit.service.binding import bind_path, bind_query, read_shape
from cdnkit.service.bodies import JSON_BYTES_MAX
from cdnkit.service.viewers import find_viewer

JSON_TYPE: Final = "application/json"
ANY_TYPE: Final = "*/*"
_DECLARED: Final = "cinedge_operation"
_BOUND: Final = ("path", "query", "body")

Handler = Callable[..., Awaitable[web.StreamResponse]]

AUTHORIZE: Final[web.AppKey[Callable[[web.Request, str], object]]] = web.AppKey("authorize_scope")
"""Raises UnauthorizedError or ForbiddenError unless the request may do what a scope names."""


class Shape(BaseModel):
    """Base of what comes in and goes out: these members, no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Answer:
    """One way in which an operation ends well. Neither shape nor type: there is no content."""

    what: str
    shape: type[BaseModel] | None = None
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What the fields that it always carries say, by name."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A declared handler."""

    tag: str
    summary: str
    description: str
    answers: Mapping[int, Answer]
    problems: tuple[type[CinedgeError], ...] = ()
    scope: str = ""
    path: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    body_type: str = ""
    viewer: bool = False
    """Only signed-in people may ask."""
    profile: bool = False
    """And they must have chosen a profile."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Header fields that a request may carry, with what they say."""
    methods: tuple[str, ...] = ("GET",)
    """What is documented of a handler mounted for every method."""


def operation(
    *,
    answers: Mapping[int, Answer] | None = None,
    problems: tuple[type[CinedgeError], ...] = (),
    scope: str = "",
    enforce: bool = True,
    path: type[BaseModel] | None = None,
    query: type[BaseModel] | None = None,
    body: type[BaseModel] | None = None,
    body_type: str = "",
    body_bytes_max: int = JSON_BYTES_MAX,
    profile: bool = False,
    fields: Mapping[str, str] | None = None,
    methods: tuple[str, ...] = ("GET",),
    tag: str = "",
    summary: str = "",
) -> Callable[[Callable[..., Awaitable[Any]]], Handler]:
    """Declare a handler; its last positional argument is the request.

    It may be a partial of one. Without `answers`, the model that its annotation returns is the
    answer 200. `enforce=False` leaves it to the handler to ask for the scope, in its own moment.
    """

    def declare(function: Callable[..., Awaitable[Any]]) -> Handler:
        inner = function.func if isinstance(function, functools.partial) else function
        hints = get_type_hints(inner)
        wanted = {name: hints[name] for name in _BOUND if name in hints}
        shapes = {"path": path, "query": query, "body": body, **wanted}
        returned = hints.get("return")
        first, _, description = (inspect.getdoc(inner) or "").partition("\n\n")
        owner = inner.__qualname__.rpartition(".")[0] or inner.__module__.rpartition(".")[2]
        ends = dict(answers or {})
        if not ends and isinstance(returned, type) and issubclass(returned, BaseModel):
            ends[200] = Answer("Found.", returned)
        declared = Operation(
            tag=tag or owner.lower(),
            summary=summary or " ".join(first.split()),
            description=description,
            answers=ends,
            problems=problems,
            scope=scope,
            body_type=body_type or (JSON_TYPE if shapes["body"] else ""),
            viewer="viewer" in hints,
            profile=profile,
            fields=fields or {},
            methods=methods,
            **shapes,
        )

        @functools.wraps(function)
        async def bound(*args: Any) -> web.StreamResponse:
            request: web.Request = args[-1]
            given: dict[str, object] = {}
            if scope and enforce:
                request.app[AUTHORIZE](request, scope)
            if declared.viewer:
                given["viewer"] = find_viewer(request, with_profile=profile)
            if "path" in wanted:
                given["path"] = bind_path(request, wanted["path"])
            if "query" in wanted:
                given["query"] = bind_query(request.query, wanted["query"])
            if "body" in wanted:
                given["body"] = await read_shape(request, wanted["body"], body_bytes_max)
            answer = await function(*args, **given)
            return reply(answer) if isinstance(answer, BaseModel) else answer

        setattr(bound, _DECLARED, declared)
        return bound

    return declare


def operation_of(handler: object) -> Operation | None:
    """What was declared of a handler, also through `functools.wraps`."""
    found = getattr(handler, _DECLARED, None)
    return found if isinstance(found, Operation) else None


def reply(
    answer: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A model as JSON that nobody stores, unless `headers` say otherwise."""
    return web.Response(
        status=status,
        text=answer.model_dump_json(exclude_unset=True),
        content_type=JSON_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )
