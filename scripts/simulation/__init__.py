"""Requests of the past played against the edge's own rules: what `cinedge simulate` is made of.

lines       the lines of a trace, whether it is compressed or not
access_log  requests from an edge's own access log
trace       requests in flat arrays, cut into units
replay      one rule at one size, and what it comes to
nights      the same with films placed in quiet hours
"""
