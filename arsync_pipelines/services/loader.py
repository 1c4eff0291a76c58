"""One thread that loads landed batches into the warehouse in the order they were handed in.

The writer lock is held while there is work and given back when none has come for a moment, so that fetching of slow
sources never keeps others from the warehouse, and fast ones do not open and close it for every batch.
"""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from contextvars import Context, copy_context
from types import TracebackType

from arsync_pipelines.domain import telemetry
from arsync_pipelines.domain.errors import ArsyncError, LoadRefused, WarehouseError
from arsync_pipelines.ports.warehouse import LoadResult, Warehouse
from arsync_pipelines.services.landing import Landed

_LINGER_S = 2.0
_Work = tuple[Landed, "Future[LoadResult]", Context]


class Loader:
    """Use as a context manager; leaving it loads what was handed in and ends the thread."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._queue: queue.Queue[_Work | None] = queue.Queue(maxsize=8)
        self._failed_reads: set[str] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="arsync-loader", daemon=True)

    def __enter__(self) -> Loader:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._ended.is_set():
            self._queue.put(None)
        self._thread.join()

    def submit(self, landed: Landed) -> Future[LoadResult]:
        """Queue a batch; waits while many are queued."""
        result: Future[LoadResult] = Future()
        self._queue.put((landed, result, copy_context()))
        if self._ended.is_set():
            self._refuse_queued()
        return result

    def _run(self) -> None:
        try:
            self._serve()
        finally:
            self._ended.set()
            self._refuse_queued()

    def _serve(self) -> None:
        work = self._queue.get()
        while work is not None:
            try:
                with self._warehouse.writing():
                    while work is not None:
                        landed, result, context = work
                        context.run(self._load, landed, result)
                        work = self._queue.get(timeout=_LINGER_S)
            except queue.Empty:
                work = self._queue.get()
            except WarehouseError as error:
                if work is not None:
                    self._failed_reads.add(work[0].batch.read_id)
                    work[1].set_exception(error)
                work = self._queue.get()

    def _load(self, landed: Landed, result: Future[LoadResult]) -> None:
        try:
            result.set_result(load_in_turn(self._warehouse, landed, self._failed_reads))
        except ArsyncError as error:
            result.set_exception(error)
        finally:
            if not result.done():
                result.set_exception(WarehouseError(f"loading of batch {landed.batch.batch_id} ended unexpectedly"))

    def _refuse_queued(self) -> None:
        """Answer what nobody will load any more, so that no reader waits for ever."""
        while not self._queue.empty():
            work = self._queue.get_nowait()
            if work is not None:
                work[1].set_exception(
                    WarehouseError(f"batch {work[0].batch.batch_id} not loaded: the loader has ended")
                )


def load_in_turn(warehouse: Warehouse, landed: Landed, failed_reads: set[str]) -> LoadResult:
    """Load a batch inside `writing()`; after a failure no later batch of its read follows: the cursor would pass rows.

    A batch whose rows do not fit is set aside on disk; the cursor has not moved, so a later read shows the rows again.
    After any other failure it stays landed, and the next run loads it first.
    """
    batch = landed.batch
    if batch.read_id in failed_reads:
        raise WarehouseError(f"batch {batch.batch_id} not loaded: one before it failed")
    failed_reads.add(batch.read_id)
    try:
        with telemetry.span(
            "load", connection=batch.connection, stream=batch.spec.name, batch_id=batch.batch_id
        ) as told:
            result = warehouse.load(batch)
            told.note(rows=result.rows, rows_new=result.new_versions)
    except LoadRefused as error:
        error.add_note(f"the batch is kept for inspection at {landed.reject()}")
        raise
    failed_reads.discard(batch.read_id)
    return result
