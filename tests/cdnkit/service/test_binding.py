"""Inputs are taken strictly, and each mistake is told with its place."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from pydantic import Field

from cdnkit.errors import BadRequestError
from cdnkit.service.binding import DIGITS, bind_path, bind_query, check_shape
from cdnkit.service.operations import Shape


class Asked(Shape):
    """A query."""

    after: Annotated[int, Field(ge=0), DIGITS] = 0
    name: str = Field("", alias="the-name")


class Person(Shape):
    """An inner part."""

    name: str
    age: int


class Film(Shape):
    """A body."""

    title: str
    cast: list[Person] = Field(default_factory=list)


def told(call: Any) -> list[dict[str, str]]:
    with pytest.raises(BadRequestError) as caught:
        call()
    found: list[dict[str, str]] = caught.value.extra["errors"]
    assert found[0]["detail"] in caught.value.detail
    return found


@given(text=st.text(max_size=25))
def test_any_text_is_a_number_or_a_clear_refusal(text: str) -> None:
    query = MultiDict(after=text)
    if text.isascii() and text.isdigit() and len(text) <= 18:
        assert bind_query(query, Asked).after == int(text)
    else:
        (mistake,) = told(lambda: bind_query(query, Asked))
        assert (mistake["in"], mistake["pointer"]) == ("query", "/after")


@pytest.mark.parametrize(
    ("query", "pointer", "detail"),
    [
        ([("x", "1")], "/x", "unknown parameter; known are: after, the-name"),
        ([("name", "1")], "/name", "unknown parameter; known are: after, the-name"),
        ([("after", "1"), ("after", "2")], "/after", "given more than once"),
        ([("after", "-1")], "/after", "not a whole number"),
    ],
)
def test_query_is_strict(query: list[tuple[str, str]], pointer: str, detail: str) -> None:
    (mistake,) = told(lambda: bind_query(MultiDict(query), Asked))
    assert mistake == {"in": "query", "pointer": pointer, "detail": detail}


def test_parameter_is_found_by_its_name_on_the_wire() -> None:
    assert bind_query(MultiDict({"the-name": "a"}), Asked).name == "a"


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        (b"{}", ["/title"]),
        (b'{"title": 1}', ["/title"]),
        (b'{"title": "a", "extra~/": 1}', ["/extra~0~1"]),
        (b'{"title": "a", "cast": [{"name": "b", "age": "7"}]}', ["/cast/0/age"]),
        (b'{"cast": [{"name": "b"}]}', ["/title", "/cast/0/age"]),
    ],
)
def test_body_tells_the_place_of_every_mistake(body: bytes, pointers: list[str]) -> None:
    assert [each["pointer"] for each in told(lambda: check_shape(body, Film))] == pointers


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"NaN", b'{"title": "\\ud800"}', b"\xff", b"[" * 9999]
)
def test_text_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequestError):
        check_shape(body, Film)


@given(title=st.text(), ages=st.lists(st.integers()))
def test_body_that_fits_comes_through(title: str, ages: list[int]) -> None:
    film = Film(title=title, cast=[Person(name="n", age=age) for age in ages])
    text = film.model_dump_json()
    if "\\ud" not in text:
        assert check_shape(text.encode(), Film) == film


def test_path_is_checked_too() -> None:
    class Numbered(Shape):
        """A path."""

        number: Annotated[int, DIGITS]

    request = make_mocked_request("GET", "/x", match_info={"number": "12"})
    assert bind_path(request, Numbered).number == 12
    bad = make_mocked_request("GET", "/x", match_info={"number": "1a"})
    assert told(lambda: bind_path(bad, Numbered))[0]["in"] == "path"
    assert isinstance(request, web.Request)
