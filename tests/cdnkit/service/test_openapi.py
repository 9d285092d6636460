"""The document says what handlers declare, as OpenAPI 3.1 wants it, and misses no route."""

from __future__ import annotations

import functools
from typing import Annotated, Any

import pytest
from aiohttp import web
from pydantic import Field

from cdnkit.errors import ConflictError, NotFoundError, UnavailableError
from cdnkit.service.binding import DIGITS
from cdnkit.service.openapi import declared_operations, describe_api, undeclared
from cdnkit.service.operations import ANY_TYPE, Answer, Shape, operation
from cdnkit.service.paging import PageOf


class Query(Shape):
    """A query."""

    limit: Annotated[int, Field(ge=1, le=9, description="How many."), DIGITS] = 5
    kind: str


class Inner(Shape):
    """Inside."""

    name: str


class Thing(Shape):
    """A thing."""

    inner: Inner
    note: str = ""


class LostError(ConflictError):
    """It is lost.

    More of it."""

    code = "lost"


@operation(
    answers={200: Answer("Found.", Thing, headers={"ETag": "Version."}), 304: Answer("Same")}
)
async def get(request: web.Request, query: Query) -> web.StreamResponse:
    """A thing."""
    raise NotImplementedError


@operation(
    answers={201: Answer("Made.", Thing), 503: Answer("Not ready.", Thing)},
    problems=(NotFoundError, ConflictError, LostError, UnavailableError),
    scope="upload",
    fields={"If-Match": "Condition."},
)
async def put(request: web.Request, body: Thing) -> web.StreamResponse:
    """Save a thing."""
    raise NotImplementedError


@operation(answers={200: Answer("Bytes.", content_type=ANY_TYPE)}, methods=("GET", "PUT"))
async def anything(request: web.Request) -> web.StreamResponse:
    """Whatever."""
    raise NotImplementedError


class Things(PageOf[Thing]):
    """Some things."""


@operation()
async def listing(request: web.Request) -> Things:
    """Things."""
    raise NotImplementedError


async def secret(request: web.Request) -> web.StreamResponse:
    raise NotImplementedError


def app_of(*routes: web.RouteDef) -> web.Application:
    app = web.Application()
    app.add_routes(routes)
    return app


@pytest.fixture
def api() -> Any:
    app = app_of(
        web.get("/things/{id:[a-z]+}", get),
        web.put("/things/{id:[a-z]+}", put),
        web.get("/things", listing),
        web.route("*", "/{path:.*}", anything),
    )
    return describe_api(app, "Things", "7", "About things.")


def test_every_route_is_there_by_its_template_and_method(api: Any) -> None:
    assert {path: list(item) for path, item in api["paths"].items()} == {
        "/things": ["get"],
        "/things/{id}": ["get", "put"],
        "/{path}": ["get", "put"],
    }
    assert api["info"] == {"title": "Things", "version": "7", "description": "About things."}
    names = [each["operationId"] for item in api["paths"].values() for each in item.values()]
    assert names == ["get-things", "get-things-id", "put-things-id", "get-path", "put-path"]


def test_parameters_have_place_schema_and_need(api: Any) -> None:
    found = {each["name"]: each for each in api["paths"]["/things/{id}"]["get"]["parameters"]}
    assert found["id"] == {
        **{"name": "id", "in": "path", "required": True},
        "schema": {"type": "string"},
    }
    assert found["limit"]["schema"] == {
        **{"type": "integer", "minimum": 1, "maximum": 9, "default": 5}
    }
    assert (found["limit"]["description"], found["limit"]["required"]) == ("How many.", False)
    assert (found["kind"]["in"], found["kind"]["required"]) == ("query", True)
    (field,) = api["paths"]["/things/{id}"]["put"]["parameters"][1:]
    assert (field["name"], field["in"], field["required"]) == ("If-Match", "header", False)


def test_bodies_refer_to_named_schemas(api: Any) -> None:
    put = api["paths"]["/things/{id}"]["put"]
    assert put["requestBody"] == {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
    }
    assert api["components"]["schemas"]["Thing"]["properties"]["inner"] == {
        "$ref": "#/components/schemas/Inner"
    }
    assert {"Thing", "Inner", "Things", "Problem"} <= set(api["components"]["schemas"])


def test_answers_are_those_declared_and_the_problems(api: Any) -> None:
    get, put = api["paths"]["/things/{id}"]["get"], api["paths"]["/things/{id}"]["put"]
    assert list(get["responses"]) == ["200", "304", "400"]
    assert "content" not in get["responses"]["304"]
    assert get["responses"]["200"]["headers"]["ETag"]["required"]
    assert list(put["responses"]) == ["201", "400", "401", "403", "404", "409", "503"]
    conflict = put["responses"]["409"]
    assert conflict["description"].endswith("`lost`: It is lost.")
    schema = conflict["content"]["application/problem+json"]["schema"]
    assert schema["properties"]["type"]["enum"] == [
        "urn:cinedge:problem:conflict",
        "urn:cinedge:problem:lost",
    ]
    assert list(put["responses"]["503"]["content"]) == [
        "application/problem+json",
        "application/json",
    ]
    assert put["security"] == [{"token": ["upload"]}]
    assert "security" not in get


def test_two_shapes_of_one_name_are_refused() -> None:
    class Thing(Shape):
        """Another one."""

        other: int

    async def handler(request: web.Request) -> web.StreamResponse:
        """Other."""
        raise NotImplementedError

    other = operation(answers={200: Answer("Other.", Thing)})(handler)
    with pytest.raises(ValueError, match="'Thing'"):
        describe_api(app_of(web.get("/a", get), web.get("/b", other)), "", "", "")


def test_route_without_a_declaration_is_named() -> None:
    @functools.wraps(get)
    async def wrapped(request: web.Request) -> web.StreamResponse:
        raise NotImplementedError

    app = app_of(web.get("/a", wrapped), web.get("/b", secret), web.post("/b", secret))
    assert undeclared(app) == ["GET /b", "POST /b"]
    assert [(path, method) for path, method, _ in declared_operations(app)] == [("/a", "GET")]
