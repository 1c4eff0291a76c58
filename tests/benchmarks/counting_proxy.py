"""A proxy before a Salesforce stand-in that counts requests, and answers the password grant as if it were client
credentials. A connection that the stand-in drops is dropped here as well."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode

import httpx

_NOT_PASSED = {"host", "connection", "content-length", "transfer-encoding", "content-encoding", "accept-encoding"}


@dataclass
class Proxy:
    """`requests` without those for tokens."""

    url: str
    requests: int = 0


@contextmanager
def counting_proxy(behind: str, client_id: str, client_secret: str) -> Iterator[Proxy]:
    """Serves on a free port of this machine until the body ends."""
    client = httpx.Client(base_url=behind, timeout=120.0, trust_env=False)
    proxy = Proxy("")
    count = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {k: v for k, v in self.headers.items() if k.lower() not in _NOT_PASSED}
            headers["Host"] = self.headers["Host"]
            if self.path.endswith("/oauth2/token"):
                if parse_qs(body.decode()).get("grant_type") == ["password"]:
                    given = {"client_id": client_id, "client_secret": client_secret}
                    body = urlencode({"grant_type": "client_credentials", **given}).encode()
            else:
                with count:
                    proxy.requests += 1
            try:
                answer = client.request(self.command, self.path, content=body, headers=headers)
            except httpx.TransportError:
                self.close_connection = True
                with suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in {*_NOT_PASSED, "date", "server"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Connections that were dropped."""

    with Server(("127.0.0.1", 0), Handler) as server:
        proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield proxy
        finally:
            server.shutdown()
            client.close()
