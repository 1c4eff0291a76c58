"""Imported by the process that runs are forked from, and by nothing else: importing it imports all that a run needs."""

from __future__ import annotations

from arsync_pipelines.defs.maintenance.warm import import_all

REFUSED = import_all()
