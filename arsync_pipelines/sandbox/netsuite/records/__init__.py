"""The record service: single records, lists, asynchronous jobs and batches."""

from .service import RecordService

__all__ = ["RecordService"]
