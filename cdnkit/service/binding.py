"""From a request to checked models: path, query and JSON body, with the place of each mistake.

What is refused is told in `errors` of the problem: where it was (`in`), which member (`pointer`,
RFC 6901) and what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from aiohttp import web
from multidict import MultiMapping
from pydantic import BaseModel, BeforeValidator, ValidationError

from cdnkit.errors import BadRequestError
from cdnkit.service.bodies import JSON_BYTES_MAX, parse_json, read_body

_DIGITS_MAX: Final = 18
_SHOWN_MAX: Final = 20
_Model = TypeVar("_Model", bound=BaseModel)


def _digits(value: object) -> object:
    """Only digits: int() would take signs, spaces, underscores and digits of other scripts."""
    if not isinstance(value, str):
        return value
    if not (value.isascii() and value.isdigit() and len(value) <= _DIGITS_MAX):
        raise ValueError("not a whole number")
    return int(value)


DIGITS: Final = BeforeValidator(_digits)
"""For whole numbers in queries and paths: `Annotated[int, Field(ge=0), DIGITS]`, in this order."""


def bind_path(request: web.Request, shape: type[_Model]) -> _Model:
    """The variable parts of the path. Raises BadRequestError."""
    return _check("path", shape, dict(request.match_info))


def bind_query(query: MultiMapping[str], shape: type[_Model]) -> _Model:
    """The query parameters, each given at most once. Raises BadRequestError."""
    known = [field.alias or name for name, field in shape.model_fields.items()]
    for name in set(query):
        if name not in known:
            listed = ", ".join(known) or "none"
            raise _refusal("query", [(name, f"unknown parameter; known are: {listed}")])
        if len(query.getall(name)) > 1:
            raise _refusal("query", [(name, "given more than once")])
    return _check("query", shape, dict(query))


async def read_shape(
    request: web.Request, shape: type[_Model], limit_bytes: int = JSON_BYTES_MAX
) -> _Model:
    """The JSON body. Raises as `read_json` does, and BadRequestError for what does not fit."""
    return check_shape(await read_body(request, limit_bytes), shape)


def check_shape(data: bytes, shape: type[_Model]) -> _Model:
    """JSON text as a model, its types taken at their word. Raises BadRequestError."""
    parse_json(data)  # refuses what JSON parsers disagree about
    try:
        return shape.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise _refusal("body", _mistakes(error)) from None


def _check(place: str, shape: type[_Model], values: Mapping[str, Any]) -> _Model:
    try:
        return shape.model_validate(values)
    except ValidationError as error:
        raise _refusal(place, _mistakes(error)) from None


def _mistakes(error: ValidationError) -> list[tuple[str, str]]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        ("/".join(_escape(str(step)) for step in each["loc"]), _worded(each["msg"]))
        for each in found[:_SHOWN_MAX]
    ]


def _refusal(place: str, mistakes: list[tuple[str, str]]) -> BadRequestError:
    pointer, detail = mistakes[0]
    named = f" {pointer[:60]!r}" if pointer else ""
    return BadRequestError(
        f"{place}{named}: {detail}",
        errors=[
            {"in": place, "pointer": f"/{pointer}" if pointer else "", "detail": detail}
            for pointer, detail in mistakes
        ],
    )


def _escape(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def _worded(message: str) -> str:
    text = message.removeprefix("Value error, ")
    return text[:1].lower() + text[1:]
