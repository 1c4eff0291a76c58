"""Creates what an org lacks to carry receivables: the AR objects and fields of the connection's mapping, no more.

Which of them the org keeps the history of is tracking.py's.
"""

from __future__ import annotations

from collections.abc import Sequence

from arsync_pipelines.connectors.salesforce.api import SalesforceApi, writable
from arsync_pipelines.connectors.salesforce.fields import KINDS, READ_ONLY, Kind
from arsync_pipelines.connectors.salesforce.metadata import Component, custom_field, custom_object, save
from arsync_pipelines.connectors.salesforce.tracking import ensure_tracking
from arsync_pipelines.domain.errors import SinkError, SourceError

_OBJECTS = {
    "account_balance": ("AR Account Balance", "AR Account Balances", "ARB-{000000}"),
    "invoice": ("AR Invoice", "AR Invoices", "ARI-{00000000}"),
}


def ensure_target(api: SalesforceApi) -> list[str]:
    """Create missing custom objects and fields; one line per thing done, [] when all was there.

    What exists is left as it is, but that the org keeps history from then on (`field_history`). Raises SinkError when
    the org refuses, or when its user cannot see what was created (fields made through the API are hidden until a
    permission set shows them).
    """
    try:
        objects, fields = _missing(api)
        done = _create(api, objects) + _create(api, fields)
        if done and (hidden := [c.name for c in _missing(api)[1]]):
            raise SinkError(
                f"connection {api.connection!r}: created, but hidden from the connection's user: {', '.join(hidden)}. "
                "Give it a permission set with edit access to these fields and read, create and edit on the AR "
                "objects, then run `arsync init` again"
            )
        done += ensure_tracking(api)
    except SourceError as error:
        raise SinkError(f"the org could not be prepared: {error}") from error
    return done


def _missing(api: SalesforceApi) -> tuple[list[Component], list[Component]]:
    """Objects and fields that a describe does not show."""
    objects: list[Component] = []
    fields: list[Component] = []
    for object_name, kinds in KINDS.items():
        sobject, names = api.options.mapping.object_name(object_name), api.options.mapping.names(object_name)
        described = api.describe(sobject)
        if described is None:
            if not sobject.endswith("__c"):
                raise SinkError(
                    f"connection {api.connection!r}: the org shows no {sobject}, a standard object; give the "
                    "connection's user access to it"
                )
            objects.append(custom_object(sobject, *_OBJECTS[object_name]))
        absent = set(writable(described or {}, list(names.values()))[0])
        read_too: dict[str, Kind] = dict.fromkeys(READ_ONLY.get(object_name, ()), "text")
        for name, kind in {**kinds, **read_too}.items():
            if names[name] not in absent:
                continue
            if not names[name].endswith("__c"):
                raise SinkError(
                    f"connection {api.connection!r}: mapping.{object_name}.{name} is {names[name]!r}, which {sobject} "
                    "does not have and only Salesforce could create; map it to a custom field (__c) or an existing one"
                )
            fields.append(custom_field(sobject, names[name], name, kind))
    return objects, fields


def _create(api: SalesforceApi, components: Sequence[Component]) -> list[str]:
    saved = save(api, components)
    if problems := [f"{s.name}: {s.problem}" for s in saved if s.problem]:
        raise SinkError(
            f"connection {api.connection!r}: could not create {'; '.join(problems)}. The connection's user needs "
            "'Customize Application' and 'Modify Metadata Through Metadata API Functions'"
        )
    return [f"{'created' if s.created else 'updated'} {s.name}" for s in saved]
