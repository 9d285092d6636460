"""One box, several workers, one cache: what they tell each other.

Every object has one owner among the workers, which fills, evicts and writes it. The others borrow:
they know of its entry what the owner told them last, serve its blocks from the same files, and ask
the owner for those that are missing (docs/decisions/0016-one-cache-per-box.md).
"""
