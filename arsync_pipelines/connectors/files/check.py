"""What `arsync doctor` says about a folder of extracts: is it there, do files match, do columns and sample rows fit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from arsync_pipelines.connectors.files import arrivals
from arsync_pipelines.connectors.files.arrivals import Arrival
from arsync_pipelines.connectors.files.mapping import Mapping
from arsync_pipelines.connectors.files.options import EntityOptions, FilesOptions
from arsync_pipelines.connectors.files.spec import Entity
from arsync_pipelines.connectors.files.tables import open_table
from arsync_pipelines.connectors.files.values import BadValue
from arsync_pipelines.domain.errors import SourceError
from arsync_pipelines.ports.source import ConnectionCheck

_SAMPLE = 200


def check_connection(connection: str, options: FilesOptions) -> Sequence[ConnectionCheck]:
    """One line for the folder and two per kind of extract. Never raises."""
    try:
        found = {
            entity: arrivals.matching(options.folder, mapping.pattern) for entity, mapping in options.entities().items()
        }
    except SourceError as error:
        return [ConnectionCheck("folder", "failed", str(error), "Correct `folder`, or create it and drop extracts in.")]
    checks = [ConnectionCheck("folder", "ok", f"{options.folder} is readable")]
    for entity, mapping in options.entities().items():
        files = found[entity]
        if not files:
            detail = f"no file matches {mapping.pattern!r}"
            advice = "Drop an extract into the folder, or correct the pattern."
            checks.append(ConnectionCheck(f"{entity} files", "warning", detail, advice))
            continue
        detail = f"{len(files)} match {mapping.pattern!r}, the newest is {files[-1].name}"
        checks.append(ConnectionCheck(f"{entity} files", "ok", detail))
        checks.append(_check_sample(connection, entity, options, mapping, files[-1]))
    return checks


def _check_sample(
    connection: str, entity: Entity, options: FilesOptions, mapping: EntityOptions, newest: Arrival
) -> ConnectionCheck:
    name = f"{entity} mapping"
    good, reasons = 0, []
    try:
        with open_table(newest.path, mapping) as table:
            bound = Mapping(f"{connection}: {newest.name}", entity, options, table.columns, entity_options=mapping)
            for record in islice(table.records, _SAMPLE):
                try:
                    if record.problem:
                        raise BadValue(record.problem)
                    bound.row(record.cells)
                    good += 1
                except BadValue as error:
                    reasons.append(f"line {record.line}: {error}")
    except (SourceError, OSError, UnicodeError) as error:
        return ConnectionCheck(name, "failed", str(error), f"Correct [connections.{connection}.{entity}].")
    if not reasons:
        return ConnectionCheck(name, "ok", f"columns present; {good} sample rows of {newest.name} can be read")
    detail = f"{len(reasons)} of {good + len(reasons)} sample rows of {newest.name} cannot be read, first {reasons[0]}"
    advice = f"Correct the file, or the formats in [connections.{connection}.{entity}]."
    return ConnectionCheck(name, "warning" if good else "failed", detail, advice)
