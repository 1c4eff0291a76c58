"""Has an org keep the history of our fields, where it can: drift then names who wrote over each of them.

Read and written back with one element changed, so whatever else an object or field was set to stays as it is. Not part
of carrying receivables: what an org refuses is told, and nothing fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from arsync_pipelines.connectors.salesforce.api import SalesforceApi
from arsync_pipelines.connectors.salesforce.fields import TRACKED
from arsync_pipelines.connectors.salesforce.metadata import Component, read, save
from arsync_pipelines.domain.errors import SinkError, SourceError


def ensure_tracking(api: SalesforceApi) -> list[str]:
    """Switch on what is off; a line for each thing done or refused, [] when all was on."""
    lines: list[str] = []
    try:
        for object_name, wanted in _chosen(api.options.field_history).items():
            sobject, names = api.options.mapping.object_name(object_name), api.options.mapping.names(object_name)
            lines += _tracked(api, sobject, [f"{sobject}.{names[name]}" for name in wanted])
    except (SinkError, SourceError) as error:
        lines.append(f"field history was left as it is: {error}")
    return lines


def _chosen(of: Literal["own", "all", "off"]) -> dict[str, Sequence[str]]:
    """Account is everybody's: it is written back only where somebody has asked for that."""
    if of == "off":
        return {}
    return {name: fields for name, fields in TRACKED.items() if of == "all" or name != "account"}


def _tracked(api: SalesforceApi, sobject: str, fields: list[str]) -> list[str]:
    lines: list[str] = []
    for kind, names, flag in (("CustomObject", [sobject], "enableHistory"), ("CustomField", fields, "trackHistory")):
        found = {component.name: component for component in read(api, kind, names)}
        off = [found[name] for name in names if name in found and found[name].values.get(flag) != "true"]
        for saved in save(api, [_switched_on(component, flag) for component in off]):
            lines.append(
                f"no field history of {saved.name}: {saved.problem}"
                if saved.problem
                else f"field history kept of {saved.name}"
            )
            if saved.problem and kind == "CustomObject":
                return lines
    return lines


def _switched_on(component: Component, flag: str) -> Component:
    values = dict(component.values)
    if component.kind == "CustomObject":
        # parts with a life of their own (fields, list views, layouts) stay as they are when they are left out
        values = {tag: value for tag, value in values.items() if isinstance(value, str) or tag == "nameField"}
    return replace(component, values={**values, flag: "true"})
