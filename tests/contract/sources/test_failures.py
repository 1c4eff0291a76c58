"""Failures: each has its class and says what to do; storms and expired tokens change nothing; lies are noticed."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from arsync_pipelines.connectors.http import Retry, RetryBudget
from arsync_pipelines.domain.errors import SourceContractBroken, SourceUnauthorised, SourceUnreachable
from arsync_pipelines.ports.source import Source
from tests.fixtures.sources import Company, Remote
from tests.fixtures.sources.base import Landed, differences

ADVICE = "(?i)check|give|grant|create|correct|run `arsync"


def rows_of(source: Source, stream: str) -> list[dict[str, Any]]:
    return [dict(row) for page in source.read(stream, None) for row in page.rows]


def test_a_source_that_is_not_there(company: Company) -> None:
    source = company.unreachable()
    with pytest.raises(SourceUnreachable, match=ADVICE) as caught:
        rows_of(source, company.many)
    assert caught.type is not SourceUnauthorised
    lines = source.check()
    assert next(line.status for line in lines if line.status != "warning") == "failed"
    assert all(line.advice for line in lines if line.status == "failed")


def test_doctor_is_content(company: Company) -> None:
    assert [(line.name, line.detail) for line in company.source().check() if line.status != "ok"] == []


def test_wrong_credentials(remote: Remote) -> None:
    source, secrets = remote.refused()
    with pytest.raises(SourceUnauthorised, match=ADVICE) as caught:
        rows_of(source, remote.many)
    lines = source.check()
    assert [(line.name, line.status) for line in lines] == [("reachable", "ok"), ("authorised", "failed")]
    told = f"{caught.value} {caught.value!r} {lines}"
    assert [secret for secret in secrets if secret in told] == []
    assert source.connection in str(caught.value)


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_vendor_is_asked_again_and_not_before_it_said(remote: Remote, status: int) -> None:
    calm = rows_of(remote.source(), remote.many)
    rule = remote.stand_in.fault("error", times=3, params={"status": [status], "retry_after": 7})
    now, slept = 0.0, defaultdict[int, float](float)

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        slept[rule.hits] += seconds  # after the n-th refusal, before the request that follows it

    retry = Retry(RetryBudget(attempts=8, seconds=600), sleep, lambda: now)
    assert rows_of(remote.source(retry=retry), remote.many) == calm
    assert rule.hits == 3
    assert all(slept[refusal] >= 7 for refusal in (1, 2, 3)), slept


def test_a_vendor_that_stays_down_ends_the_read_within_the_budget(remote: Remote) -> None:
    rule = remote.stand_in.fault("error", params={"status": [503]})
    with pytest.raises(SourceUnreachable, match="503"):
        rows_of(remote.source(retry=Retry(RetryBudget(attempts=3, base=0.01))), remote.many)
    assert rule.hits == 3


def test_a_token_that_expires_mid_read_is_renewed_once(remote: Remote) -> None:
    calm = rows_of(remote.source(), remote.many)
    remote.reveals = 0
    pages = remote.source().read(remote.many, None)
    rows = [dict(row) for row in next(pages).rows]
    first = remote.reveals
    rule = remote.stand_in.fault("expire_token", times=1)
    rows += [dict(row) for page in pages for row in page.rows]
    assert rule.hits == 1
    assert rows == calm
    assert remote.reveals == 2 * first, "every secret was looked up once more, and once only"


def test_storms_lost_connections_and_expired_tokens_change_nothing(remote: Remote, tmp_path: Path) -> None:
    landed = Landed(tmp_path / "state", remote.source())
    stand_in = remote.stand_in
    rules = [
        stand_in.fault("error", rate=0.1, params={"status": [429, 500, 503]}),
        stand_in.fault("drop_before", rate=0.05),
        stand_in.fault("drop_after", rate=0.05),
        stand_in.fault("page_drift", rate=0.5),
        stand_in.fault("expire_token", times=2),
    ]
    landed.run()
    stand_in.context.faults.remove()
    remote.change()
    stand_in.context.faults.add(rules[0])
    landed.run()
    stand_in.context.faults.remove()
    assert differences(remote, landed) == {}
    assert rules[0].hits and rules[-1].hits == 2


def test_an_ignored_filter_is_noticed(remote: Remote, tmp_path: Path) -> None:
    landed = Landed(tmp_path / "state", remote.source())
    landed.run()
    remote.change()
    before = landed.current(remote.many)
    remote.stand_in.fault("ignore_filter")
    with pytest.raises(SourceContractBroken, match=r"filter|ignored"):
        landed.run(remote.many)
    assert landed.current(remote.many) == before


def test_a_vanished_column_is_told_by_name(remote: Remote) -> None:
    stream, table, column = remote.broken_column
    remote.stand_in.fault("drop_column", params={"table": table, "column": column})
    with pytest.raises(SourceContractBroken, match=column):
        rows_of(remote.source(), stream)
