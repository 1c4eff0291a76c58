"""What a stand-in posts to others by itself: signed, in a thread, to addresses of this machine only.

Signed as Standard Webhooks has it (webhook-id, webhook-timestamp, webhook-signature over `id.timestamp.body`), for
vendors that have no form of their own. Vendors whose platform does not post again give a message one try: it is lost
when nobody takes it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import queue
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from .errors import SandboxError
from .faults import Faults

TIMEOUT_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.2
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Address:
    """Where to, and what is signed with (`whsec_` and base64, or any text)."""

    url: str
    secret: str

    def headers(self, message_id: str, body: bytes, moment: int) -> dict[str, str]:
        raw = self.secret.removeprefix("whsec_")
        key = base64.b64decode(raw) if raw != self.secret else raw.encode()
        mac = hmac.new(key, f"{message_id}.{moment}.".encode() + body, hashlib.sha256).digest()
        return {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(moment),
            "webhook-signature": "v1," + base64.b64encode(mac).decode(),
        }


class Poster(threading.Thread):
    """Posts what it is told of, in order. `tries` of one message before it is given up."""

    def __init__(self, vendor: str, faults: Faults, tries: int) -> None:
        super().__init__(name=f"{vendor}-posts", daemon=True)
        self._vendor = vendor
        self._faults = faults
        self._tries = tries
        self._waiting: queue.Queue[tuple[str, dict[str, Any]] | None] = queue.Queue()
        self._address: Address | None = None
        self._stopping = False

    @property
    def deployed(self) -> bool:
        return self._address is not None

    def deploy(self, url: str, secret: str) -> None:
        """Post to `url` from now on; "" ends it. Raises SandboxError for an address elsewhere."""
        parts = urlsplit(url)
        if url and (parts.scheme not in ("http", "https") or parts.hostname not in _LOOPBACK):
            raise SandboxError(f"{url}: a stand-in posts to addresses of the same machine only")
        self._address = Address(url, secret) if url else None
        if url and not self.is_alive():
            self.start()

    def tell(self, message_id: str, message: dict[str, Any]) -> None:
        """Post this as soon as its turn comes; nothing while there is no address."""
        if self._address is not None:
            self._waiting.put((message_id, message))

    def stop(self) -> None:
        self._stopping = True
        self._waiting.put(None)
        if self.is_alive():
            self.join(TIMEOUT_SECONDS + 1)

    def run(self) -> None:
        late: list[tuple[str, dict[str, Any]]] = []
        with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            while not self._stopping:
                try:
                    told = self._waiting.get(timeout=0.5 if late else None)
                except queue.Empty:
                    told = late.pop(0)
                else:
                    if told is None:
                        continue
                    if self._faults.hit(self._vendor, "reorder_webhook", "POST", told[0]):
                        late.append(told)
                        continue
                for _ in range(2 if self._faults.hit(self._vendor, "duplicate_webhook", "POST", told[0]) else 1):
                    self._post(client, *told)

    def _post(self, client: httpx.Client, message_id: str, message: dict[str, Any]) -> None:
        body = orjson.dumps(message)
        for attempt in range(self._tries):
            address = self._address
            if address is None or self._stopping:
                return
            try:
                headers = address.headers(message_id, body, int(time.time()))
                if client.post(address.url, content=body, headers=headers).is_success:
                    return
            except httpx.HTTPError:
                pass  # as a refusal: it has its next try, if there is one
            if attempt + 1 < self._tries:
                time.sleep(min(FIRST_PAUSE_SECONDS * 2**attempt, 10))
