"""All targets."""

from __future__ import annotations

from typing import Final

from scripts.fuzz.target import Target
from scripts.fuzz.targets import (
    fields,
    memories,
    messages,
    peers,
    questions,
    texts,
    tokens,
    uploads,
)

TARGETS: Final[tuple[Target, ...]] = (
    *messages.TARGETS,
    *fields.TARGETS,
    *texts.TARGETS,
    *tokens.TARGETS,
    *uploads.TARGETS,
    *questions.TARGETS,
    *peers.TARGETS,
    *memories.TARGETS,
)
