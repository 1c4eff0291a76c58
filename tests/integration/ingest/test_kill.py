"""kill -9 at every boundary of an ingest, then run again: the same end state as without the kill."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.ingest.conftest import Bench
from tests.integration.ingest.shop import Shop

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
CHILD = """
import sys
from pathlib import Path
from arsync_pipelines.domain import failpoint
from tests.integration.ingest.conftest import Bench
from tests.integration.ingest.test_kill import stocked
bench = Bench(Path(sys.argv[1]))
failpoint.arm(sys.argv[2])
service = bench.service()
if sys.argv[3] == "reload":
    service.reload("shop_eu", stocked().streams())
else:
    service.run(stocked(int(sys.argv[3])))
"""


def stocked(documents: int = 12) -> Shop:
    shop = Shop(terms={f"t{n}": f"net {n}" for n in range(documents // 2)})
    shop.sell(documents)
    if documents > 12:
        shop.change("d3", "9.99", lines=1)
        del shop.terms["t0"]
    return shop


def die(bench: Bench, point: str, what: str) -> int:
    """Run an ingest in a process of its own that kills itself at `point`; its return code."""
    command = [sys.executable, "-c", CHILD, str(bench.folder), f"{point}:kill", what]
    return subprocess.run(command, cwd=ROOT, check=False, timeout=120).returncode


POINTS = ["ingest.page", "ingest.before_landed", "ingest.landed", "warehouse.staged"]
POINTS += ["ingest.before_commit", "ingest.committed"]


@pytest.mark.parametrize("point", POINTS)
def test_killed_ingest_ends_as_if_it_had_not_been(bench: Bench, point: str) -> None:
    ends = [die(bench, f"{point}:{hit}", documents) for hit, documents in ((2, "12"), (4, "12"), (2, "20"))]
    assert ends.count(-signal.SIGKILL) >= 2
    bench.service().run(stocked(20))
    assert bench.current() == stocked(20).expected()
    for name, key in {"document": "id", "line": "document, id"}.items():
        repeated = bench.query(
            f"select {key} from (select *, (_row_hash, _is_deleted) = lag((_row_hash, _is_deleted)) over versions same "
            f"from raw_shop__{name} window versions as (partition by {key} order by _seq)) where same"
        )
        assert repeated == []
    assert [s.rows_new for s in bench.service().run(stocked(20))] == [0, 0, 0]
    assert not list(bench.folder.rglob("*.tmp"))


@pytest.mark.parametrize("point", ["ingest.forgotten:1", "ingest.forgotten:2", "ingest.committed:3"])
def test_a_killed_reload_is_completed_by_the_next_run(bench: Bench, point: str) -> None:
    bench.service().run(stocked())
    before = bench.versions()
    assert die(bench, point, "reload") == -signal.SIGKILL
    bench.service().run(stocked())
    assert bench.versions() == before
    assert bench.current() == stocked().expected()
