"""Progress of long work: told in the run's log, seldom enough, and seen by the live view.

Dagster reads annotations at run time, so they are not postponed here.
"""

from pathlib import Path

import dagster as dg

from arsync_pipelines.defs.maintenance.runner import _Counts
from arsync_pipelines.defs.progress import ProgressLog


def test_each_thing_is_told_every_few_seconds_and_short_work_never() -> None:
    now, said = 0.0, []
    log = ProgressLog(said.append, every_s=3.0, now=lambda: now)
    invoices, accounts = log.reading("erp"), log.pushing("crm")
    for second in range(7):
        now = float(second)
        invoices("invoice", 1000 * second, second)
        if second > 4:
            accounts("account", second, 9000)
    assert said == [
        "under way: erp.invoice: 3,000 rows, 3 pages read",
        "under way: erp.invoice: 6,000 rows, 6 pages read",
    ]
    now = 9.0
    accounts("account", 8000, 9000)
    assert said[-1] == "under way: crm.account: 8,000 of 9,000 settled"


@dg.op
def long_read(context: dg.OpExecutionContext) -> None:
    """Tells how far it is."""
    ProgressLog(context.log.info, every_s=0.0).reading("erp")("invoice", 12_000, 12)


@dg.job
def reading_job() -> None:
    """One long step."""
    long_read()


def test_the_live_view_shows_how_far_the_step_is(tmp_path: Path) -> None:
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        run = reading_job.execute_in_process(instance=instance)
        counts = _Counts()
        counts.follow(instance, run.run_id)
    assert counts.told == "long_read: 0 assets, 0 checks, erp.invoice: 12,000 rows, 12 pages read"
    assert counts.steps == 1
