"""The shapes fit what `answers`, `steering` and `observers` lay out."""

from __future__ import annotations

import pytest
from multidict import MultiDict

from cdnkit.errors import BadRequestError
from cdnkit.service.binding import bind_query
from geo_router.declared import ExplainQuery, ManifestView, SteeringQuery
from geo_router.steering import Asked, manifest, read_request


def test_offset_is_a_number_of_bytes() -> None:
    assert bind_query(MultiDict(path="/a", offset="7"), ExplainQuery).offset == 7
    with pytest.raises(BadRequestError, match="offset"):
        bind_query(MultiDict(path="/a", offset="-1"), ExplainQuery)


@pytest.mark.parametrize("kind", ["hls", "dash"])
def test_steering_parameters_are_those_that_are_read(kind: str) -> None:
    named = [field.alias or name for name, field in SteeringQuery.model_fields.items()]
    prefix = f"_{kind.upper()}_"
    for name in (f"{prefix}pathway", f"{prefix}throughput", "session", "pathways"):
        assert name in named
        with pytest.raises(BadRequestError):  # it is looked at: a value out of grammar is refused
            read_request(kind, {name: ['"']})


def test_manifest_fits_its_shape() -> None:
    body = manifest(Asked("", (), ()), [], "/v1/steering/hls/a", "1-a", 300)
    assert ManifestView.model_validate(body).priority == ["."]
