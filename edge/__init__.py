"""Edges: hot blocks close to viewers, and range requests answered from them.

Where the lane was compiled (`cinedge compile`), its modules come from there, under their own names.
"""

import os
from pathlib import Path

from edge.compiled import choose

LANE, _folders = choose(Path(__file__).parent, os.environ)
"""In which form plain hits are answered, as the log says it."""

__path__[:0] = _folders
