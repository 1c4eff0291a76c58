"""Ingest of NetSuite transaction lines: ours, the bare loop that no careful tool can beat by much, and dlt.

All three read the same pages from the same server in the same run, each in a process of its own with an empty database;
the clock runs from the first request to the last commit. They take turns, and the best of each one's rounds counts:
what else the machine does only ever adds time. The bare loop keeps no versions, no cursor and no promise. Beside them:
our own rate against the live sandbox, which renders its pages when asked.

    arsync bench ingest
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from tests.benchmarks.report import Target, main

if TYPE_CHECKING:
    from arsync_pipelines.domain.secret import Reveal

ROOT = Path(__file__).parents[2]
ROWS = 1_000_000
ROUNDS = 5
LIVE_INVOICES = 20_000
TARGETS = (
    Target("ratio_to_bare_loop", at_least=0.7),
    Target("ratio_to_dlt", at_least=2.5),
    Target("peak_mb", at_most=600),
)
PAGES_PER_TABLE = 50
COLUMNS = (
    *("transaction", "id", "linesequencenumber", "mainline", "taxline", "item", "memo", "quantity", "rate"),
    *("foreignamount", "netamount", "entity", "subsidiary", "transaction_lastmodified"),
)


class _Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def ours(url: str, pages: int, folder: Path) -> int:
    """The NetSuite connector and the ingest service; rows in raw."""
    import duckdb
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    duckdb.connect().execute("select ?", [""])  # binding a parameter imports more of the engine
    if pages == 1:
        return 0
    secret = {"env": "BENCH"}
    auth = {"method": "m2m", "client_id": secret, "certificate_id": "bench", "private_key": secret}
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return _lines(url, "1234567", auth | {"algorithm": "ES256"}, lambda _: key.decode(), folder)


def _lines(url: str, account: str, auth: dict[str, Any], reveal: Reveal, folder: Path) -> int:
    """All transaction lines of an account into a new warehouse; versions stored."""
    from arsync_pipelines.connectors.netsuite import CONNECTOR
    from arsync_pipelines.services.ingest import IngestService
    from arsync_pipelines.warehouse.duckdb import DuckDbWarehouse

    options = {"account": account, "base_url": url, "time_zone": "America/Los_Angeles", "auth": auth}
    source = CONNECTOR.source("netsuite", CONNECTOR.options.model_validate(options), reveal)
    warehouse = DuckDbWarehouse(folder / "arsync.duckdb", folder / "snapshots")
    (stats,) = IngestService(warehouse, folder / "landing", _Clock()).run(source, ["transaction_line"])
    return stats.rows_new


def bare(url: str, pages: int, folder: Path) -> int:
    """httpx, newline-delimited JSON, read_json."""
    import duckdb
    import httpx

    landing = folder / "rows.ndjson"
    with httpx.Client(base_url=url) as client, landing.open("wb") as file:
        for number in range(pages):
            for row in orjson.loads(client.get(f"/page/{number}").content)["items"]:
                file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    columns = ", ".join(f"{name}: 'VARCHAR'" for name in COLUMNS)
    with duckdb.connect(folder / "bare.duckdb", config={"threads": "2"}) as db:
        db.execute(
            f"create table line as from read_json('{landing}', format = 'newline_delimited', columns = {{{columns}}})"
        )
        found = db.execute("select count(*) from line").fetchone()
    return int(found[0]) if found else 0


def dlt(url: str, pages: int, folder: Path) -> int:
    """dlt's fastest path: Arrow tables of many pages, parquet load files."""
    os.environ |= {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "DLT_DATA_DIR": str(folder / "dlt"),
        "RUNTIME__LOG_LEVEL": "ERROR",
    }
    import dlt as dlt_
    import httpx
    import pyarrow

    schema = pyarrow.schema([(name, pyarrow.string()) for name in COLUMNS])

    def tables() -> Iterator[Any]:
        rows: list[dict[str, Any]] = []
        with httpx.Client(base_url=url) as client:
            for number in range(pages):
                rows += orjson.loads(client.get(f"/page/{number}").content)["items"]
                if (number + 1) % PAGES_PER_TABLE == 0 or number + 1 == pages:
                    yield pyarrow.Table.from_pylist(rows, schema=schema)
                    rows = []

    pipeline = dlt_.pipeline(
        "bench",
        destination=dlt_.destinations.duckdb(str(folder / "dlt.duckdb")),
        dataset_name="bench",
        pipelines_dir=str(folder / "pipelines"),
    )
    pipeline.run(dlt_.resource(tables, name="line"), write_disposition="append", loader_file_format="parquet")
    with pipeline.sql_client() as client:
        found = client.execute_sql("select count(*) from line")
    return int(found[0][0]) if found else 0


CONTENDERS: dict[str, Callable[[str, int, Path], int]] = {"ours": ours, "bare_loop": bare, "dlt": dlt}


def run(scale: float = 1.0) -> dict[str, Any]:
    """Figures of every contender (rows/s, processor seconds, peak MB) and their ratios, for ROWS x scale lines."""
    from tests.benchmarks.page_server import ROWS_PER_PAGE

    rows = max(1, int(ROWS * scale) // ROWS_PER_PAGE) * ROWS_PER_PAGE
    command = [sys.executable, "-m", "tests.benchmarks.page_server", str(rows)]
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port, pages = server.stdout.readline().split()
            for _ in range(ROUNDS):
                for name, measured in rounds.items():
                    measured.append(_measure(name, f"http://127.0.0.1:{port}", pages, rows))
        finally:
            server.terminate()
    figures = {
        name: min(measured, key=lambda figure: figure["seconds"]) | {"peak_mb": max(f["peak_mb"] for f in measured)}
        for name, measured in rounds.items()
    }
    speed = {name: figure["rows_per_s"] for name, figure in figures.items()}
    return {
        "rows": rows,
        "rounds": ROUNDS,
        "contenders": figures,
        "ratio_to_bare_loop": round(speed["ours"] / speed["bare_loop"], 2),
        "ratio_to_dlt": round(speed["ours"] / speed["dlt"], 2),
        "peak_mb": figures["ours"]["peak_mb"],
        "live_sandbox": _live(max(100, int(LIVE_INVOICES * min(scale, 1.0)))),
    }


def _live(invoices: int) -> dict[str, float]:
    """Our rate against the NetSuite sandbox that executes every query."""
    from arsync_pipelines.sandbox.netsuite import ACCOUNT
    from tests.fixtures.sandbox import running_sandbox
    from tests.fixtures.sources.netsuite import TBA

    with (
        tempfile.TemporaryDirectory() as folder,
        running_sandbox(Path(folder), customers=invoices // 10, invoices=invoices, vendors=("netsuite",)) as sandbox,
    ):
        started = time.perf_counter()
        rows = _lines(sandbox.url("netsuite"), ACCOUNT, TBA, lambda ref: sandbox.secret(str(ref.env)), Path(folder))
        seconds = time.perf_counter() - started
    return {"rows": rows, "seconds": round(seconds, 2), "rows_per_s": round(rows / seconds)}


def _measure(name: str, url: str, pages: str, rows: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.ingest", "--contender", name, url, pages]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    figure: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    if figure["rows"] != rows:
        raise AssertionError(f"{name} stored {figure['rows']} of {rows} rows")
    return figure


def _contend(name: str, url: str, pages: int) -> dict[str, float]:
    """One contender in this process; imports are not counted, peak memory is."""
    with tempfile.TemporaryDirectory() as folder:
        CONTENDERS[name](url, 1, Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        started, busy = time.perf_counter(), time.process_time()
        rows = CONTENDERS[name](url, pages, Path(folder))
        seconds, cpu = time.perf_counter() - started, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "rows": rows,
        "seconds": round(seconds, 2),
        "rows_per_s": round(rows / seconds),
        "cpu_s": round(cpu, 2),
        "peak_mb": round(peak),
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["--contender"]:
        _, _, contender, base_url, page_count = sys.argv
        sys.stdout.write(json.dumps(_contend(contender, base_url, int(page_count))) + "\n")
    else:
        main("ingest", run, TARGETS)
