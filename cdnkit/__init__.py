"""What every tier is built from; knows no tier, no topology, and not what time it is.

Pure modules (no I/O, no clock, no chance): errors, keys, dates, ranges, validators, freshness,
structured, cache_status, digests, tokens, placement, wire, metric_names.
`cdnkit.service` is the only part that imports aiohttp.
"""
