"""JSON merge patch (RFC 7396): members of the patch replace, null removes, all else stays."""

from __future__ import annotations

from typing import Any, Final

MERGE_PATCH_TYPE: Final = "application/merge-patch+json"


def merge_patch(target: Any, patch: Any) -> Any:
    """`target` with `patch` applied (RFC 7396 2); neither is changed."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged
