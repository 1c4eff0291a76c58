"""Random ledgers against the oracle: items, buckets and totals to the cent, on any day, as known at any time.

ARSYNC_ORACLE_LEDGERS and ARSYNC_ORACLE_SEED in the environment make it a long campaign over other ledgers.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.integration.oracle.ledger import Ledger
from tests.integration.oracle.pack import Pack, PackedWarehouse
from tests.integration.oracle.strategy import ROUNDS, drawn

LEDGERS = int(os.environ.get("ARSYNC_ORACLE_LEDGERS", "500"))
SEED = os.environ.get("ARSYNC_ORACLE_SEED")
PACK = 500
"""Ledgers in one warehouse: more would save little, and a failing pack is built again to find the smallest."""
STEPS = 12


def test_random_ledgers_agree_with_the_oracle_and_answers_stay(tmp_path: Path) -> None:
    ledgers = drawn(LEDGERS, int(SEED) if SEED else None)
    assert sum(ledger.size for ledger in ledgers) > 8 * LEDGERS, "ledgers worth the name"
    assert {ledger.system for ledger in ledgers} == {"netsuite", "files"}
    for start in range(0, LEDGERS, PACK):
        failing = differing(tmp_path / str(start), ledgers[start : start + PACK])
        assert not failing, explained(tmp_path, failing)


def differing(folder: Path, ledgers: list[Ledger]) -> dict[Ledger, list[str]]:
    """Ledgers of which the product says something else than the oracle, or now something else than before."""
    folder.mkdir()
    pack = Pack(PackedWarehouse(folder / "warehouse.duckdb"), ledgers)
    for number in range(ROUNDS):
        pack.build()
        changed = pack.unchanged()
        assert not changed, f"after round {number + 1} these questions are answered otherwise than before: {changed}"
    pack.hold()
    return {ledgers[at - 1]: told for at, told in pack.differences().items()}


def explained(folder: Path, failing: dict[Ledger, list[str]]) -> str:
    """The smallest failing ledger that leaving out facts leads to, and what differs in it."""
    ledger, told = min(failing.items(), key=lambda found: found[0].size)
    for step in range(STEPS):
        smaller = ledger.smaller()
        found = differing(folder / f"smaller{step}", smaller) if smaller else {}
        if not found:
            break
        ledger, told = min(found.items(), key=lambda pair: pair[0].size)
    facts = "\n".join(f"round {n}: {fact}" for n, facts in enumerate(ledger.rounds, 1) for fact in facts)
    return f"{len(failing)} ledgers differ. The smallest ({ledger.system}):\n{facts}\n\n" + "\n".join(told[:3])
