"""Sends pages of NetSuite transaction lines rendered beforehand and does nothing else, so that clients are measured.

`POST /services/rest/query/v1/suiteql` answers a keyset query with the page after the transaction id in its text, as the
connector asks for it (a page ends with the first transaction of the next one, which the client must not keep).
`POST` to the token address answers with a token, whatever the assertion.
`GET /page/<n>` answers the same rows in disjoint pages for the peers. Credentials are not looked at.
"""

from __future__ import annotations

import asyncio
import random
import re
import sys
from datetime import datetime, timedelta

import orjson

LINES = 4
GROUPS = 249
"""Transactions per page: with one more, a page of the service holds 1,000 lines."""
ROWS_PER_PAGE = LINES * GROUPS
_AFTER = re.compile(rb"t\.id > (\d+)")
_TOKEN = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 44\r\n\r\n"
    b'{"access_token":"bench","expires_in":"3600"}'
)
_START = datetime(2026, 5, 4)


def render(rows: int, seed: int = 7) -> tuple[list[bytes], list[bytes]]:
    """Whole HTTP answers: keyset pages, and disjoint pages. `rows` is a multiple of the lines of one transaction."""
    chance = random.Random(seed)
    groups = [_transaction(number, chance) for number in range(rows // LINES)]
    pages = range(0, len(groups), GROUPS)
    keyset = [_answer(groups[n : n + GROUPS + 1], n + GROUPS < len(groups)) for n in pages]
    return keyset, [_answer(groups[n : n + GROUPS], n + GROUPS < len(groups)) for n in pages]


def _transaction(number: int, chance: random.Random) -> bytes:
    net = [chance.randrange(100, 5_000_000) for _ in range(LINES - 1)]
    stamp = f"{_START + timedelta(seconds=number):%Y-%m-%d %H:%M:%S}"
    lines = []
    for line, cents in enumerate([sum(net), *(-amount for amount in net)]):
        row = {
            "links": [],
            "transaction": str(number + 1),
            "id": str(line),
            "linesequencenumber": str(line),
            "mainline": "F" if line else "T",
            "taxline": "T" if line == LINES - 1 else "F",
            "foreignamount": f"{cents / 100:.2f}",
            "netamount": f"{cents / 100:.2f}",
            "entity": str(1000 + number % 2000),
            "subsidiary": str(1 + number % 4),
            "transaction_lastmodified": stamp,
        }
        if line:
            row |= {"item": str(cents % 500), "memo": f"Consulting services, period {line}", "quantity": "1"}
            row["rate"] = f"{-cents / 100:.2f}"
        lines.append(orjson.dumps(row))
    return b",".join(lines)


def _answer(groups: list[bytes], has_more: bool) -> bytes:
    count = len(groups) * LINES
    head = {"links": [], "count": count, "hasMore": has_more, "offset": 0, "totalResults": count}
    body = orjson.dumps(head)[:-1] + b',"items":[' + b",".join(groups) + b"]}"
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body


class _Pages(asyncio.Protocol):
    def __init__(self, keyset: list[bytes], disjoint: list[bytes]) -> None:
        self._keyset = keyset
        self._disjoint = disjoint
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, rest = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if length and len(rest) < int(length[1]):
            return
        self._received = b""
        if head.startswith(b"POST /services/rest/auth/"):
            self._transport.write(_TOKEN)
            return
        if head.startswith(b"GET /page/"):
            self._transport.write(self._disjoint[int(head[10:].split(b" ", 1)[0])])
            return
        after = _AFTER.search(rest)
        self._transport.write(self._keyset[int(after[1]) // GROUPS if after else 0])


async def _serve(rows: int) -> None:
    keyset, disjoint = render(rows)
    server = await asyncio.get_running_loop().create_server(lambda: _Pages(keyset, disjoint), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]} {len(disjoint)}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
