"""What every tier is built from; knows no tier, no topology, and not what time it is.

Pure modules (no I/O, no clock, no chance): errors, keys, dates, ranges, validators, fields,
cache_control, freshness, structured, cache_status, digests, tokens, placement, wire.
`cdnkit.service` is the only part that imports aiohttp.
"""
