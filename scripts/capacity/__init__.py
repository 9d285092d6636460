"""From demand to servers, disks, links and cost: what `cinedge capacity` is made of.

demand      the records of a demand file, declared as settings are; demand_file reads it
popularity  how demand spreads over a catalogue, as classes of bytes asked for alike
hits        what a cache of a size answers of them, by Che's approximation or as measured
cache       both together: a catalogue, and what each size of cache makes of it
places      where viewers are served from: the sites of a topology, or those of a demand file
reckoning   the arithmetic, each step with its figures, and the sweep over sizes
show        tables, and JSON
drawing     cost against hit ratio as SVG
"""
