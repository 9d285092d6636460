"""A fleet that is only said to be there: a router over hundreds of edges in one process.

For looking at the operator page at a size that no machine holds, and for its tests.
"""
