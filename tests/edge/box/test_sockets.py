"""The sockets between workers are for this user alone and leave nothing behind."""

from __future__ import annotations

import socket
import stat
from contextlib import closing
from pathlib import Path

from edge.box.sockets import Sockets


def test_only_this_user_gets_to_them() -> None:
    with closing(Sockets(2)) as sockets:
        mode = Path(sockets.talk_path(0)).parent.stat().st_mode
        assert stat.S_IMODE(mode) == 0o700


def test_one_can_connect_while_the_worker_is_away() -> None:
    with closing(Sockets(2)) as sockets, socket.socket(socket.AF_UNIX) as early:
        early.connect(sockets.requests_path(1))
        early.sendall(b"hello")
        talk, requests = sockets.of(1)
        with talk, requests, requests.accept()[0] as taken:
            taken.setblocking(True)
            assert taken.recv(9) == b"hello"


def test_nothing_is_left_behind() -> None:
    sockets = Sockets(1)
    directory = Path(sockets.talk_path(0)).parent
    sockets.close()
    assert not directory.exists()
