"""Draws a title's way to viewers from its table: docs/states.md, as text that renders as a graph.

`python -m scripts.draw_states` writes the page; a test holds it to the table.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from origin.packaging.states import TRANSITIONS, WORKABLE, TitleState

PAGE: Final = Path(__file__).parents[1] / "docs" / "states.md"

_MEANINGS: Final = {
    TitleState.RECEIVED: "the upload is stored whole, its digests are verified",
    TitleState.VERIFIED: "the film was looked at and can be played",
    TitleState.PACKAGED: "every file of the package is stored",
    TitleState.PLACED: "enough edges hold the first blocks (`placed_edges`)",
    TitleState.PUBLISHED: "viewers are given the package",
    TitleState.RETIRED: "viewers are given nothing; the package is deleted",
    TitleState.REFUSED: "the film cannot be played; `reason` says why",
}

_HEAD: Final = """\
# The way of a title

Made from the table in `origin/packaging/states.py` by `python -m scripts.draw_states`; change it
there. Where a title stands is told by `GET /v1/titles/{id}/packaging`.

"""


def draw_states() -> str:
    """The page as Markdown."""
    lines = [_HEAD + "```mermaid", "stateDiagram-v2", "    [*] --> received : receive"]
    for state, row in TRANSITIONS.items():
        for event, following in row.items():
            lines.append(f"    {state.value} --> {following.value} : {event.value}")
    lines += ["```", "", "| state | means | next step is done by |", "|---|---|---|"]
    for state in TitleState:
        doer = "the origin" if state in WORKABLE else "whoever publishes"
        lines.append(f"| {state.value} | {_MEANINGS[state]} | {doer} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page."""
    PAGE.write_text(draw_states())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
