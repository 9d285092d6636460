"""The OpenAPI 3.1 document of an application, made from what its handlers declare.

Nothing is written down here that the handlers do not say; a route without a declaration is in
`undeclared`, which a test keeps empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Literal, TypeAlias

from aiohttp import web
from pydantic import BaseModel

from cdnkit.errors import BadRequestError, CinedgeError, ForbiddenError, UnauthorizedError
from cdnkit.service.operations import JSON_TYPE, Answer, Operation, operation_of
from cdnkit.service.viewers import ProfileNeededError
from cdnkit.wire import PROBLEM_CONTENT_TYPE

VERSION: Final = "3.1.0"
_Mode: TypeAlias = Literal["validation", "serialization"]
_REFERENCE: Final = "#/components/schemas/{model}"
_NAME: Final = re.compile(r"\{(\w+)\}")
_PROBLEM: Final = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence for who reads it."},
        "instance": {"type": "string", "description": "Names this one request."},
        "errors": {
            "type": "array",
            "description": "What is wrong with which part of the request.",
            "items": {
                "type": "object",
                "required": ["in", "pointer", "detail"],
                "properties": {
                    "in": {"enum": ["path", "query", "body"]},
                    "pointer": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


def describe_api(app: web.Application, title: str, version: str, about: str) -> dict[str, Any]:
    """The document. Raises ValueError for two shapes of one name."""
    shapes = _Shapes({"Problem": _PROBLEM})
    paths: dict[str, dict[str, Any]] = {}
    for path, method, declared in declared_operations(app):
        operation = _describe(path, method, declared, shapes)
        paths.setdefault(path, {})[method.lower()] = operation
    tags = sorted({each["tags"][0] for item in paths.values() for each in item.values()})
    return {
        "openapi": VERSION,
        "info": {"title": title, "version": version, "description": about},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in tags],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(shapes.known.items())),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            },
        },
    }


def declared_operations(app: web.Application) -> Iterator[tuple[str, str, Operation]]:
    """Path, method and declaration of each documented operation."""
    for path, method, handler in _routes(app):
        declared = operation_of(handler)
        if declared is not None:
            for each in declared.methods if method == "*" else (method,):
                yield path, each, declared


def undeclared(app: web.Application) -> list[str]:
    """Routes that nothing is declared of, as `METHOD /path`."""
    return [
        f"{method} {path}"
        for path, method, handler in _routes(app)
        if operation_of(handler) is None
    ]


def _routes(app: web.Application) -> Iterator[tuple[str, str, object]]:
    """Every route, but for the HEAD that comes with a GET."""
    for resource in app.router.resources():
        handlers = {route.method: route.handler for route in resource}
        for method, handler in handlers.items():
            if method != "HEAD" or handler is not handlers.get("GET"):
                yield resource.canonical, method, handler


@dataclass(slots=True)
class _Shapes:
    """The named schemas met so far."""

    known: dict[str, Any] = field(default_factory=dict)

    def schema(self, shape: type[BaseModel], mode: _Mode) -> dict[str, Any]:
        """The schema of a model itself; those that it refers to become named ones."""
        schema = shape.model_json_schema(ref_template=_REFERENCE, mode=mode)
        for name, inner in schema.pop("$defs", {}).items():
            self._keep(name, inner)
        return schema

    def reference(self, shape: type[BaseModel], mode: _Mode) -> dict[str, Any]:
        """A model by name."""
        name = re.sub(r"\W+", "_", shape.__name__).strip("_")
        self._keep(name, self.schema(shape, mode))
        return {"$ref": _REFERENCE.format(model=name)}

    def _keep(self, name: str, schema: Any) -> None:
        if self.known.setdefault(name, schema) != schema:
            raise ValueError(f"two shapes are called {name!r}")


def _describe(path: str, method: str, declared: Operation, shapes: _Shapes) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "-", f"{method.lower()}{path}").strip("-"),
        "tags": [declared.tag],
        "summary": declared.summary,
        "parameters": list(_parameters(path, declared, shapes)),
        "responses": _responses(declared, shapes),
    }
    if declared.description:
        described["description"] = declared.description
    if declared.scope:
        described["security"] = [{"token": [declared.scope]}]
    if declared.viewer:
        described["security"] = [{"session": []}]
    if declared.body is not None:
        schema: Any = shapes.reference(declared.body, "validation")
        described["requestBody"] = _body(declared.body_type, schema, required=True)
    elif declared.body_type:
        described["requestBody"] = _body(declared.body_type, {}, required=False)
    return described


def _body(content_type: str, schema: Any, *, required: bool) -> dict[str, Any]:
    return {"required": required, "content": {content_type: {"schema": schema}}}


def _parameters(path: str, declared: Operation, shapes: _Shapes) -> Iterator[dict[str, Any]]:
    known = {} if declared.path is None else _members(declared.path, shapes)
    for name in _NAME.findall(path):
        schema, _ = known.get(name, ({"type": "string"}, True))
        yield _parameter("path", name, schema, required=True)
    if declared.query is not None:
        for name, (schema, required) in _members(declared.query, shapes).items():
            yield _parameter("query", name, schema, required=required)
    for name, what in declared.fields.items():
        schema = {"type": "string", "description": what}
        yield _parameter("header", name, schema, required=False)


def _members(shape: type[BaseModel], shapes: _Shapes) -> dict[str, tuple[dict[str, Any], bool]]:
    schema = shapes.schema(shape, "validation")
    required = schema.get("required", ())
    return {
        name: (member, name in required) for name, member in schema.get("properties", {}).items()
    }


def _parameter(
    place: str, name: str, schema: Mapping[str, Any], *, required: bool
) -> dict[str, Any]:
    plain = {key: value for key, value in schema.items() if key not in ("description", "title")}
    described = {"name": name, "in": place, "required": required, "schema": plain}
    if "description" in schema:
        described["description"] = schema["description"]
    return described


def _responses(declared: Operation, shapes: _Shapes) -> dict[str, Any]:
    responses = {
        str(status): _good_end(answer, shapes) for status, answer in declared.answers.items()
    }
    problems: dict[int, list[type[CinedgeError]]] = {}
    kinds: list[type[CinedgeError]] = [BadRequestError, *_guards(declared), *declared.problems]
    for kind in dict.fromkeys(kinds):
        problems.setdefault(kind.status, []).append(kind)
    for status, same in problems.items():
        bad, good = _bad_end(same), responses.get(str(status))
        if good is not None:
            bad["description"] = f"{good['description']}  \n{bad['description']}"
            bad["content"] |= good.get("content", {})
        responses[str(status)] = bad
    return dict(sorted(responses.items()))


def _guards(declared: Operation) -> tuple[type[CinedgeError], ...]:
    if declared.scope:
        return UnauthorizedError, ForbiddenError
    if declared.viewer and declared.profile:
        return UnauthorizedError, ProfileNeededError
    return (UnauthorizedError,) if declared.viewer else ()


def _good_end(answer: Answer, shapes: _Shapes) -> dict[str, Any]:
    described: dict[str, Any] = {"description": answer.what}
    if answer.shape is not None:
        schema = shapes.reference(answer.shape, "serialization")
        described["content"] = {answer.content_type or JSON_TYPE: {"schema": schema}}
    elif answer.content_type:
        described["content"] = {answer.content_type: {"schema": _free(answer.content_type)}}
    if answer.headers:
        described["headers"] = {
            name: {"description": what, "required": True, "schema": {"type": "string"}}
            for name, what in answer.headers.items()
        }
    return described


def _free(content_type: str) -> dict[str, Any]:
    return {"type": "string"} if content_type.startswith("text/") else {}


def _bad_end(kinds: list[type[CinedgeError]]) -> dict[str, Any]:
    meanings = [f"`{each.code}`: {_first_sentence(each)}" for each in kinds]
    return {
        "description": "  \n".join(meanings) or HTTPStatus(kinds[0].status).phrase,
        "content": {
            PROBLEM_CONTENT_TYPE: {
                "schema": {
                    "allOf": [{"$ref": _REFERENCE.format(model="Problem")}],
                    "properties": {"type": {"enum": [each.type_uri() for each in kinds]}},
                }
            }
        },
    }


def _first_sentence(kind: type[CinedgeError]) -> str:
    return " ".join((kind.__doc__ or "").partition("\n\n")[0].split())
