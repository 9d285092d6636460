"""Players at three edges for as long as wanted, and whoever means them harm beside them.

    python -m scripts.benchmark.players --players 2000 --seconds 600
    python -m scripts.benchmark.players --floods connections,slow-heads,slow-bodies,slow-readers

Real processes: an origin, an edge in each of three regions, a router. Each player asks the router,
goes where it is sent, takes a piece at a time at its film's pace, seeks, leaves, and begins
another film; every byte is compared. With floods the second half of the time has them. Told are
how long a start takes, how long a piece, what came late, and each server's memory and descriptors
over the time.
"""
