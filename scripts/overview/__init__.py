"""A running installation at one look: what `cinedge status` and `cinedge top` are made of.

figures   the figures that a process tells at /metrics
looking   every process of a topology asked at once
judging   what is wrong with what was seen: a list of small judgements
show      the table of all tiers, and JSON
players   how titles play, as players tell edges
busiest   edges and titles by bytes a second
"""
