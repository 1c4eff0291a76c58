"""A disk that is full at write n, and bytes that flip: no store is left corrupted, and no change goes unnoticed.

The disk is full for real: the process's files may grow to so many bytes, the next write beyond fails. What is flipped
is a bit of a stored value, by one who owns the database.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from random import Random

from sqlalchemy import Engine, select, text

from arsync_pipelines.domain.errors import OpsStoreError
from arsync_pipelines.domain.push import IntentState
from arsync_pipelines.ops.tables import audit_event, push_intent
from tests.contract.ops.values import Place, at, deliver, intent
from tests.integration.delivery.stores import Stores
from tests.integration.faults.kills import Outcome, World, account_for

STEP = 16 * 1024


@dataclass
class Flips:
    """How many bits were flipped, how many of them were noticed, and where those were that were not."""

    flipped: int = 0
    detected: int = 0
    unnoticed: list[str] = field(default_factory=list)

    def saw(self, what: str, noticed: bool) -> None:
        self.flipped += 1
        self.detected += noticed
        if not noticed:
            self.unnoticed.append(what)


def full_everywhere(on: Stores, there: World, step: int = STEP, most: int = 1000) -> Outcome:
    """The disk full after 1, 2, ... steps of bytes in one file, until a process ends unharmed. SQLite: a server's disk
    is the server's matter. `kills` counts the processes that met a full disk."""
    began, total = f"d{time.time_ns():x}", Outcome()
    for number in range(1, most + 1):
        prefix = f"{began}.{number}"
        with on.place() as place:
            child = there.start({**there.task(place, prefix), "file_limit": number * step})
            assert child.ended(120) is not None, f"{prefix}: does not end"
            hit = child.status != 0
            seconds = there.recovered(place, prefix, total)
            total.found("corrupted", int(not _whole(place)), f"{prefix}: the database's own check complains")
            if hit:
                total.recoveries.append(seconds)
            ops = place.open()
            account_for(total, ops, there, prefix)
            ops.close()
        if not hit:
            return total
        total.kills += 1
    return total


def _whole(place: Place) -> bool:
    ops = place.open()
    with ops.engine.connect().execution_options(arsync_reading=True) as db:
        found = db.execute(text("pragma integrity_check")).scalar()
    ops.close()
    return found == "ok"


def flipped(on: Stores, number: int, seed: int = 1) -> Flips:
    """So many bits in the audit log, its exported checkpoints and waiting intents, one at a time, each put right."""
    chance, found = Random(seed), Flips()
    with on.place() as place:
        ops = place.open()
        deliver(ops, *(f"k{n}" for n in range(8)))
        ops.checkpoints.write(at(10))
        ops.intents.add([intent(f"w{n}{n}") for n in range(4)], at(20))
        ops.checkpoints.write(at(30))
        columns = [name for name in audit_event.c.keys() if name not in ("seq", "at")]  # noqa: SIM118 - of a table
        seqs = _column(ops.engine, "select seq from audit_event")
        for _ in range(number):
            name, seq = chance.choice(columns), chance.choice(seqs)
            query = select(audit_event.c[name]).where(audit_event.c.seq == seq)
            with ops.engine.connect().execution_options(arsync_reading=True) as db:
                value = str(db.execute(query).scalar_one())
            if not value:
                continue
            _tamper(ops.engine, f"update audit_event set {name} = :value where seq = :id", _flip(value, chance), seq)
            found.saw(f"audit_event.{name} {seq}", not ops.verify().holds)
            _tamper(ops.engine, f"update audit_event set {name} = :value where seq = :id", value, seq)
        assert ops.verify().holds
        file = ops.checkpoints.path
        for _ in range(number // 4):
            whole = file.read_bytes()
            where = chance.randrange(len(whole))
            file.write_bytes(whole[:where] + bytes([whole[where] ^ 1 << chance.randrange(7)]) + whole[where + 1 :])
            found.saw(f"{file.name} byte {where}", not ops.verify().holds)
            file.write_bytes(whole)
        for _ in range(number // 2):
            name = chance.choice(["payload", "business_key", "object", "payload_hash", "idempotency_key"])
            id_ = f"crm-invoice-w{chance.randrange(4) * 11:02}-1"
            with ops.engine.connect().execution_options(arsync_reading=True) as db:
                value = str(db.execute(select(push_intent.c[name]).where(push_intent.c.intent_id == id_)).scalar_one())
            other = _flip(value, chance, keep_json=name == "payload")
            _tamper(ops.engine, f"update push_intent set {name} = :value where intent_id = :id", other, id_)
            found.saw(f"push_intent.{name} {id_}", _refused(place))
            _tamper(ops.engine, f"update push_intent set {name} = :value where intent_id = :id", value, id_)
        ops.close()
    return found


def _refused(place: Place) -> bool:
    """Whether nobody can read the damaged intent, to send it or for anything else."""
    ops = place.open()
    try:
        ops.intents.in_states("crm", [IntentState.PENDING])
    except OpsStoreError:
        return True
    finally:
        ops.close()
    return False


def _flip(value: str, chance: Random, keep_json: bool = False) -> str:
    """The text with one bit of one character another; `keep_json`: such that it can still be read."""
    while True:
        where = chance.randrange(len(value))
        changed = value[:where] + chr(ord(value[where]) ^ 1 << chance.randrange(5)) + value[where + 1 :]
        if not changed.isprintable():
            continue
        if keep_json:
            try:
                if json.loads(changed) == json.loads(value):
                    continue
            except ValueError:
                continue
        return changed


def _column(engine: Engine, sql: str) -> list[object]:
    with engine.connect().execution_options(arsync_reading=True) as db:
        return list(db.execute(text(sql)).scalars())


def _tamper(engine: Engine, sql: str, value: str, id_: object) -> None:
    """As somebody would who owns the database: the guarding triggers do not bind him."""
    with engine.begin() as db:
        if engine.dialect.name == "postgresql":
            db.execute(text("set local session_replication_role = replica"))
        else:
            for name in db.execute(text("select name from sqlite_master where type = 'trigger'")).scalars().all():
                db.execute(text(f"drop trigger {name}"))
        db.execute(text(sql), {"value": value, "id": id_})
