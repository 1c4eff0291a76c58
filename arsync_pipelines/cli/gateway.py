"""`arsync gateway`: take what sources post, until Ctrl-C."""

from __future__ import annotations

from typing import Annotated

import typer

from arsync_pipelines import bootstrap
from arsync_pipelines.cli.console import complain, out
from arsync_pipelines.domain.errors import ArsyncError, ConfigError


def gateway(
    host: Annotated[str, typer.Option(help="Address to listen on; the default is reachable from here only.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes a free one.")] = 8600,
) -> None:
    """Take what sources post: store it, answer, and let Dagster read the records again.

    TLS, and whatever keeps strangers away, belongs in front of it.
    """
    from arsync_pipelines.domain.logs import write_lines
    from arsync_pipelines.gateway.serve import app_of, listener, serve

    platform = bootstrap.platform()
    write_lines(platform.settings.log.format)
    taking = [name for name in platform.connections if platform.webhook(name) is not None]
    if not taking:
        raise ConfigError(
            "gateway: no connection takes deliveries; give one its [connections.<name>.webhook] with secrets. "
            "docs/howto/receive-webhooks.md says how."
        )
    for name in taking:
        try:
            platform.require_webhook_secrets(name)
        except ArsyncError as error:  # the others are served; this one answers 503 until it is mended
            complain(str(error))
    app, bound = app_of(platform), listener(host, port)
    shown = f"[{host}]" if ":" in host else host
    for name in taking:
        out.print(f"{name}: http://{shown}:{bound.getsockname()[1]}/webhooks/{name}")
    serve(app, bound)
