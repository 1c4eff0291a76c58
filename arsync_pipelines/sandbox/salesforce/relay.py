"""An event relay: what stands on the event bus is posted elsewhere, in its order, until it is taken.

Such a relay is middleware that subscribes to /data/ChangeEvents; on the platform it is not.
"""

from __future__ import annotations

import threading

from arsync_pipelines.sandbox.core.faults import Faults
from arsync_pipelines.sandbox.core.outgoing import Poster
from arsync_pipelines.sandbox.salesforce.events import EventLog
from arsync_pipelines.sandbox.salesforce.store import VENDOR

_PAUSE_S = 0.2


class Relay(threading.Thread):
    """Reads the log from where it stood when it was deployed."""

    def __init__(self, events: EventLog, faults: Faults) -> None:
        super().__init__(name="salesforce-relay", daemon=True)
        self.poster = Poster(VENDOR, faults, tries=12)
        self._events = events
        self._position = 0
        self._skipped = ""
        self._ended = threading.Event()

    def deploy(self, url: str, secret: str, skip_client: str = "") -> None:
        """Post to `url` what happens from now on, but for what the API client named `skip_client` wrote."""
        self._skipped = f";client={skip_client}" if skip_client else ""
        self._position = self._events.last()
        self.poster.deploy(url, secret)
        if url and not self.is_alive():
            self.start()

    def stop(self) -> None:
        self._ended.set()
        if self.is_alive():
            self.join(5)
        self.poster.stop()

    def run(self) -> None:
        while not self._ended.wait(_PAUSE_S):
            if self.poster.deployed:
                for replay_id, entity, payload in self._events.after(self._position, None):
                    self._position = replay_id
                    origin = str(payload["ChangeEventHeader"]["changeOrigin"])
                    if not (self._skipped and origin.endswith(self._skipped)):
                        message = {"payload": payload, "event": {"replayId": replay_id}}
                        self.poster.tell(f"{entity}-{replay_id}", message)
