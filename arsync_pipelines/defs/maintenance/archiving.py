"""What ended long ago leaves the operational store, as `arsync archive --yes` does it.

Dagster reads annotations at run time, so they are not postponed here.
"""

from datetime import UTC, datetime

import dagster as dg

from arsync_pipelines.defs.resources import PlatformResource


@dg.op(description="Writes what [archive] lets go to files and removes it from the operational store.")
def archive_records(context: dg.OpExecutionContext, platform: PlatformResource) -> None:
    """Log what left, by kind."""
    done = platform.get().retention.run(datetime.now(UTC))
    for segment in done:
        context.log.info(f"{segment.kind}: {sum(segment.rows.values())} rows in {segment.file}")
    context.add_output_metadata(
        {"files": len(done), "rows": sum(sum(segment.rows.values()) for segment in done)}
    )  # fmt: skip


def archive_job() -> dg.JobDefinition:
    @dg.job(
        name="archive_records_job",
        description="Let what ended long ago leave the operational store for the archive.",
        executor_def=dg.in_process_executor,
    )
    def job() -> None:
        archive_records()

    return job
