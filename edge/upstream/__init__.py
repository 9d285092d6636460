"""Towards origins and parents: connections that read straight into block buffers, and their pool.

connection  one HTTP/1.1 connection: heads, framing, content poured into a sink
pool        connections to one upstream: reuse, cap, time limits
upstreams   several base URLs behind a route: order, health, retry
"""
