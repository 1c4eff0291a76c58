"""What a demo writes for machines: unknown parts are null, and no difference is rounded away."""

from __future__ import annotations

import json
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arsync_pipelines.cli.demo import command
from arsync_pipelines.cli.demo.proof import Proof, _tie
from arsync_pipelines.domain.errors import ArsyncError


def test_a_tie_keeps_every_decimal_of_its_currency() -> None:
    figures = [Decimal("10.1250"), Decimal("10.125"), Decimal("10.124"), Decimal("10.1250")]
    row = _tie("Acme Kuwait", "KWD", figures)
    assert (row["aging_total"], row["gl_control"], row["difference"]) == ("10.125", "10.124", "0.001")
    proof = Proof([row], accounts_compared=1, invoices_compared=1)
    assert not proof.holds
    whole = _tie("Acme Japan", "JPY", [Decimal("1200.0000")] * 4)
    assert (whole["subledger"], whole["difference"]) == ("1200.00", "0.00")


def test_a_demo_that_ends_early_leaves_a_report_of_what_it_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def broken(*_arguments: Any) -> Any:
        raise ArsyncError("the sandbox ended with status 1; its last words are in sandbox.log")
        yield

    monkeypatch.setattr(command, "running_world", broken)
    monkeypatch.setattr(command.signal, "signal", lambda *_: None)
    with pytest.raises(ArsyncError):
        command.demo(once=True, customers=5, invoices=6, directory=tmp_path / "demo")
    report = json.loads((tmp_path / "demo" / "report.json").read_text())
    assert report["error"] == "ArsyncError: the sandbox ended with status 1; its last words are in sandbox.log"
    assert report["size"] == {"customers": 5, "invoices": 6, "seed": 7}
    assert report["elapsed_s"] >= 0
    parts = ("ingest", "build", "quality", "publish", "push", "proof")
    assert {part: report[part] for part in parts} == dict.fromkeys(parts)
