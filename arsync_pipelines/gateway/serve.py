"""Serving the app of a platform until SIGTERM or Ctrl-C."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

from arsync_pipelines.bootstrap import Platform
from arsync_pipelines.connectors.clock import SystemClock
from arsync_pipelines.domain.errors import ConfigError
from arsync_pipelines.gateway.app import Limits, make_app
from arsync_pipelines.services.receive import Receiver


def app_of(platform: Platform) -> Starlette:
    """The app for the connections of `platform` that take deliveries. Opens the operational store.

    Time is the machine's: it is what signatures and their age are about, whatever day the books are at.
    """
    webhooks = {name: platform.webhook(name) for name in platform.connections}
    inbox, clock = platform.ops.inbox, SystemClock()
    return make_app(Receiver(inbox, webhooks.get, clock), inbox, clock, Limits(platform.settings.gateway.body_bytes))


def listener(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one. Raises ConfigError when it cannot be had."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        bound = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise ConfigError(f"gateway: {host} is no address of this machine ({error.strerror}); choose --host") from None
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise ConfigError(
            f"gateway: {host}:{port} cannot be had ({error.strerror}); choose --host and --port"
        ) from None
    return bound


class _Server(uvicorn.Server):
    """Ends on SIGTERM and Ctrl-C as on a wish, not as by a blow: uvicorn's own raises the signal again at the end."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def serve(app: Starlette, bound: socket.socket) -> None:
    """Serve on `bound`. No access log: addresses may carry a token."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", server_header=False, timeout_keep_alive=15,
        limit_concurrency=200, timeout_graceful_shutdown=15,
    )  # fmt: skip
    _Server(config).run(sockets=[bound])
