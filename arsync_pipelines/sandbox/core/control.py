"""The control port: JSON over HTTP for tests, demos and the command line to steer the world and read the truth.

Only routes and their wire format; what they do is simulation.py's. Errors are `{"error": "..."}` with status 4xx.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .errors import SandboxError
from .faults import Rule
from .simulation import Simulation
from .vendor import endpoint
from .world.events import EventRefused


def _json(value: object, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")


def _guarded(answer: Callable[[Request, dict[str, Any]], object]) -> Callable[[Request, bytes], Response]:
    """Parses the body, renders the answer, and turns refusals into 4xx."""

    def handle(request: Request, body: bytes) -> Response:
        try:
            return _json(answer(request, orjson.loads(body) if body else {}))
        except EventRefused as error:
            return _json({"error": str(error)}, 409)
        except (SandboxError, ValueError, TypeError) as error:
            return _json({"error": str(error)}, 400)

    return handle


class _Routes:
    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._context = simulation.context

    def clock(self, _request: Request, _body: dict[str, Any]) -> object:
        now = self._context.clock.now()
        return {"now": now.isoformat(), "date": now.date().isoformat(), "rate": self._context.clock.rate}

    def advance(self, _request: Request, body: dict[str, Any]) -> object:
        return self._simulation.advance(int(body.get("days", 1)))

    def live(self, _request: Request, body: dict[str, Any]) -> object:
        self._simulation.live(float(body["rate"]) if "rate" in body else 0.0)
        return {"rate": self._context.clock.rate}

    def faults(self, _request: Request, _body: dict[str, Any]) -> object:
        return self._context.faults.rules()

    def add_faults(self, _request: Request, body: Any) -> object:
        """One rule or a list of them; `id` and `hits` are ours."""
        wanted = body if isinstance(body, list) else [body]
        rules = [Rule(**{name: value for name, value in rule.items() if name not in ("id", "hits")}) for rule in wanted]
        return [{"id": self._context.faults.add(rule).id, "kind": rule.kind} for rule in rules]

    def remove_faults(self, request: Request, _body: dict[str, Any]) -> object:
        chosen = request.query_params.get("id")
        return {"removed": self._context.faults.remove(int(chosen) if chosen else None)}

    def journal(self, request: Request, _body: dict[str, Any]) -> object:
        query = request.query_params
        return self._context.journal.entries(
            query.get("vendor"), int(query.get("after", "0")), int(query.get("limit", "-1"))
        )

    def truth(self, request: Request, _body: dict[str, Any]) -> object:
        as_of = request.query_params.get("as_of")
        return self._simulation.truth(request.path_params["kind"], date.fromisoformat(as_of) if as_of else None)

    def event(self, request: Request, body: dict[str, Any]) -> object:
        """Body: {"invoice": number, "amount": minor units}, both optional."""
        return self._simulation.event(request.path_params["kind"], body.get("invoice"), body.get("amount"))

    def deploy(self, request: Request, body: dict[str, Any]) -> object:
        """Body: {"url", "secret"}: where this vendor posts what happens, and what it signs with; "" ends it.

        For vendors whose own API has no webhook endpoints. Other members are the vendor's own.
        """
        name = request.path_params["vendor"]
        deploy = next((getattr(v, "deploy", None) for v in self._simulation.vendors if v.name == name), None)
        if deploy is None:
            raise SandboxError(f"{name} is not here, or posts nothing by itself")
        deploy(**{"url": "", "secret": ""} | {name: str(value) for name, value in body.items()})
        return {"deployed": bool(body.get("url"))}

    def info(self, _request: Request, _body: dict[str, Any]) -> object:
        return self._simulation.info()


def control_app(simulation: Simulation) -> Starlette:
    """The control port's ASGI app."""
    routes = _Routes(simulation)

    def route(path: str, answer: Callable[[Request, dict[str, Any]], object], method: str = "GET") -> Route:
        return Route(path, endpoint(_guarded(answer)), methods=[method])

    return Starlette(
        routes=[
            route("/clock", routes.clock),
            route("/advance", routes.advance, "POST"),
            route("/live", routes.live, "POST"),
            route("/faults", routes.faults),
            route("/faults", routes.add_faults, "POST"),
            route("/faults", routes.remove_faults, "DELETE"),
            route("/journal", routes.journal),
            route("/truth/{kind}", routes.truth),
            route("/events/{kind}", routes.event, "POST"),
            route("/deploy/{vendor}", routes.deploy, "POST"),
            route("/info", routes.info),
        ]
    )
