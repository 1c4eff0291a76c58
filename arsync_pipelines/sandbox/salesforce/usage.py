"""The org's pool of API calls over a rolling day of business time, counted by the hour."""

from __future__ import annotations

from datetime import timedelta

from arsync_pipelines.sandbox.salesforce.errors import SalesforceError
from arsync_pipelines.sandbox.salesforce.store import Store


class Usage:
    """Counts calls and refuses them over the quota."""

    def __init__(self, store: Store) -> None:
        self._store = store
        with store.lock:
            rows = store.connection.execute("select hour, calls from api_usage").fetchall()
        self._hours: dict[str, int] = dict(rows)

    def allowed(self) -> int:
        """The quota of a day."""
        return int(self._store.settings["daily_api_requests"])

    def used(self) -> int:
        """Calls of the last 24 hours."""
        since = self._hour(24)
        return sum(calls for hour, calls in self._hours.items() if hour > since)

    def charge(self) -> None:
        """Count one call. Raises 403 REQUEST_LIMIT_EXCEEDED when none is left."""
        if self.used() >= self.allowed():
            raise SalesforceError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        hour = self._hour(0)
        with self._store.lock:
            since = self._hour(24)
            self._hours = {one: calls for one, calls in self._hours.items() if one > since}
            self._hours[hour] = self._hours.get(hour, 0) + 1
            self._store.connection.execute("insert or replace into api_usage values (?, ?)", (hour, self._hours[hour]))

    def header(self) -> dict[str, str]:
        """What every answer tells about it."""
        return {"Sforce-Limit-Info": f"api-usage={self.used()}/{self.allowed()}"}

    def reset(self) -> None:
        """Forget all calls."""
        with self._store.lock:
            self._hours = {}
            self._store.connection.execute("delete from api_usage")

    def _hour(self, ago: int) -> str:
        return (self._store.clock.now() - timedelta(hours=ago)).strftime("%Y-%m-%dT%H")
