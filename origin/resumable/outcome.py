"""How an upload ended, as its row keeps it and as it is told again, however often one asks.

Pure. Also what decides how it ends: the digests and conditions that came with its requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cdnkit.digests import parse_digest_field
from cdnkit.errors import (
    CinedgeError,
    ConflictError,
    DigestMismatchError,
    NotFoundError,
    PreconditionFailedError,
)
from origin.catalog.records import ObjectRow
from origin.catalog.uploads import UploadRow
from origin.ingest.checks import require_conditions, validators_of

REFUSALS: Final[Mapping[str, type[CinedgeError]]] = {
    error.code: error for error in (DigestMismatchError, PreconditionFailedError, NotFoundError)
}
"""What ends an upload for good; anything else may be tried again."""


_OWN: Final = frozenset({"code", "detail"})


def check_conditions(row: UploadRow, current: ObjectRow | None) -> None:
    """Raise PreconditionFailedError when the upload may not replace `current`."""
    require_conditions("PUT", row.fields, validators_of(current))


def announced(row: UploadRow) -> list[Mapping[str, bytes]]:
    """The digests that the whole object must have."""
    return [parse_digest_field(row.fields[name]) for name in ("repr-digest",) if name in row.fields]


def announced_algorithms(row: UploadRow) -> set[str]:
    """Which digests those are."""
    return {name for digests in announced(row) for name in digests}


def published_object(row: UploadRow) -> tuple[ObjectRow, bool]:
    """What became of a published upload; True beside it when its key was new.

    Raises what it was refused with, else ConflictError.
    """
    refused = row.outcome.get("problem")
    if refused is not None:
        members = {name: value for name, value in refused.items() if name not in _OWN}
        raise REFUSALS.get(refused["code"], ConflictError)(refused["detail"], **members)
    if "object" not in row.outcome:
        raise ConflictError(f"upload {row.id} is {row.state}")
    return ObjectRow(**row.outcome["object"]), bool(row.outcome["is_new"])


def problem_members(error: CinedgeError) -> dict[str, Any]:
    """What a row keeps of a refusal."""
    return {"problem": {"code": error.code, "detail": error.detail, **error.extra}}


def object_members(row: ObjectRow) -> dict[str, Any]:
    """What a row keeps of the object that was published."""
    return {name: getattr(row, name) for name in ObjectRow.__dataclass_fields__}
