"""Random ledgers against the oracle, pack by pack; a difference is told by the smallest ledger that shows it.

    python -m tests.integration.oracle.campaign FOLDER LEDGERS [SEED ...]     # prints one JSON document

Without a seed the ledgers are always the same. dbt works in this process, so let it be one of its own.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.integration.oracle.builder import Builder, PackedWarehouse
from tests.integration.oracle.ledger import Ledger
from tests.integration.oracle.pack import Pack
from tests.integration.oracle.strategy import ROUNDS, drawn

STEPS = 12
"""At most so many times a failing ledger is made smaller."""


@dataclass
class Campaign:
    """What was compared. `questions`: a ledger's answer to a table or function compared, once each; `asked_again`: how
    many whole answers were asked for again after later rounds, and `changed` how many were others then."""

    ledgers: int = 0
    netsuite: int = 0
    facts: int = 0
    questions: int = 0
    asked_again: int = 0
    changed: int = 0
    differences: int = 0
    seeds: list[int | None] = field(default_factory=list)
    failing: str = ""

    @property
    def line(self) -> str:
        return (
            f"{self.ledgers} ledgers, {self.facts} facts, {self.questions} questions, {self.asked_again} answers asked "
            f"for again, {self.differences} differences"
        )


@dataclass
class Examined:
    """One pack: per ledger what the product says otherwise than the oracle, or now than before."""

    failing: dict[Ledger, list[str]]
    questions: int
    asked_again: int
    changed: list[str]


def examine(folder: Path, ledgers: list[Ledger], dbt: Builder) -> Examined:
    """Build the ledgers round by round in a warehouse of their own, asking again each time what was asked before."""
    folder.mkdir(parents=True)
    pack = Pack(PackedWarehouse.of(folder, dbt), ledgers)
    asked_again, changed = 0, []
    for number in range(ROUNDS):
        pack.build()
        asked_again += len(pack.answers)
        changed += [f"after round {number + 1} answered otherwise: {question}" for question in pack.unchanged()]
    pack.hold()
    found = {ledgers[at - 1]: told for at, told in pack.differences().items()}
    shutil.rmtree(folder)
    return Examined(found, pack.compared, asked_again, changed)


def run(folder: Path, count: int, seeds: Sequence[int | None]) -> Campaign:
    """`count` ledgers of each seed, until some differ."""
    dbt, campaign = Builder(folder), Campaign()
    for seed in seeds:
        ledgers = drawn(count, seed)
        seen = examine(folder / f"seed_{seed}", ledgers, dbt)
        campaign.seeds.append(seed)
        campaign.ledgers += len(ledgers)
        campaign.netsuite += sum(ledger.system == "netsuite" for ledger in ledgers)
        campaign.facts += sum(ledger.size for ledger in ledgers)
        campaign.questions += seen.questions
        campaign.asked_again += seen.asked_again
        campaign.changed += len(seen.changed)
        campaign.differences += sum(map(len, seen.failing.values())) + len(seen.changed)
        if campaign.differences:
            campaign.failing = "\n".join(seen.changed[:10]) or explained(folder, seen.failing, dbt)
            break
    return campaign


def explained(folder: Path, failing: dict[Ledger, list[str]], dbt: Builder) -> str:
    """The smallest failing ledger that leaving out facts leads to, and what differs in it."""
    ledger, told = min(failing.items(), key=lambda found: found[0].size)
    for step in range(STEPS):
        smaller = ledger.smaller()
        found = examine(folder / f"smaller_{step}", smaller, dbt).failing if smaller else {}
        if not found:
            break
        ledger, told = min(found.items(), key=lambda pair: pair[0].size)
    facts = "\n".join(f"round {n}: {fact}" for n, facts in enumerate(ledger.rounds, 1) for fact in facts)
    return f"{len(failing)} ledgers differ. The smallest ({ledger.system}):\n{facts}\n\n" + "\n".join(told[:3])


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[3:]]
    sys.stdout.write(json.dumps(asdict(run(Path(sys.argv[1]), int(sys.argv[2]), given or [None]))))
