"""A web server that receives webhooks, and misbehaves on demand."""

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import orjson


class Receiver:
    """Listens on 127.0.0.1; a context manager.

    Attributes:
        requests: (headers, body) of every request that came in, whatever was answered.
        accepted: The bodies that were answered with 200, read.
        answer: Called with how many requests came before; gives a status, or seconds to hang.
    """

    def __init__(self, port: int = 0) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.accepted: list[dict[str, Any]] = []
        self.answer: Callable[[int], int | float] = lambda _: 200
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?x=1"

    @property
    def idempotency_keys(self) -> list[str]:
        return [headers["Idempotency-Key"] for headers, _ in self.requests]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.answer(len(receiver.requests))
                receiver.requests.append((dict(self.headers), body))
                if isinstance(status, float):
                    time.sleep(status)
                    self.close_connection = True
                    return
                if status == 200:
                    receiver.accepted.append(orjson.loads(body))
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                """Silent."""

        return Handler
