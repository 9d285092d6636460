"""Cinedge measured side by side with other servers; `scripts/bench` is its command."""
