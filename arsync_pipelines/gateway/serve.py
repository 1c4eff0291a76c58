"""Serving the app of a platform until SIGTERM or Ctrl-C."""

from __future__ import annotations

import socket

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
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as error:
        raise ConfigError(
            f"gateway: {host}:{port} cannot be had ({error.strerror}); choose --host and --port"
        ) from None
    return bound


def serve(app: Starlette, bound: socket.socket) -> None:
    """Serve on `bound`. No access log: addresses may carry a token."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", server_header=False, timeout_keep_alive=15,
        limit_concurrency=200, timeout_graceful_shutdown=15,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[bound])
