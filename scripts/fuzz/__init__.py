"""Hostile bytes for everything that reads bytes from outside: one target a parser.

    python -m scripts.fuzz                          # each target for ten seconds
    python -m scripts.fuzz request-head --seconds 600 --seed 7
    python -m scripts.fuzz dns --guided --seconds 600   # led by coverage; wants atheris

A target is a function that lets a parser read some bytes and raises for what must not be: an error
of another type than the parser's own, a broken invariant, another reading than that of a second
parser. `mutate` makes the bytes, `hunt` counts and keeps findings, `guided` lets atheris make them.
"""
