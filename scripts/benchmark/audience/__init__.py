"""The film service and the CDN under an audience: viewers at once, and an audit of what was said.

    python -m scripts.benchmark.audience --viewers 200 --seconds 60
    python -m scripts.benchmark.audience --database postgresql://cinedge@127.0.0.1/cinedge

Real processes: origin with the film service, router, edge, and localstripe where it is installed.
Each viewer has an account of its own, made through the API before the clock starts, and spends
evenings: sign in, refresh, home, search letter by letter, a title, playback with its first bytes
through router and edge, heartbeats, stop, what to go on with, inbox, another plan. Between two
calls it thinks, so that viewers and not the servers make the rate. Heartbeats come every second
instead of every ten, so that a minute shows something.
"""
