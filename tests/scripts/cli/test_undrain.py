"""Claims about `cinedge undrain`."""

from __future__ import annotations

import argparse
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from scripts.cli import undrain


def test_an_edge_is_asked_to_take_viewers_again(capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[tuple[str, str]] = []

    class Admin(BaseHTTPRequestHandler):
        def do_DELETE(self) -> None:
            asked.append((self.command, self.path))
            body = b'{"node": "a", "draining": false, "streams": 2}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Admin) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        parser = argparse.ArgumentParser()
        undrain.add_parser(parser.add_subparsers())
        url = f"http://127.0.0.1:{server.server_port}"
        assert undrain.run(parser.parse_args(["undrain", "--admin", url])) == 0
        thread.join()
    assert asked == [("DELETE", "/v1/drain")]
    assert capsys.readouterr().out == "a: taking viewers, 2 answers under way\n"
