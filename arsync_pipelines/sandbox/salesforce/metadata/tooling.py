"""The Tooling API's door to custom fields: POST /tooling/sobjects/CustomField with FullName and Metadata."""

from __future__ import annotations

from arsync_pipelines.sandbox.salesforce import ids
from arsync_pipelines.sandbox.salesforce.errors import SalesforceError
from arsync_pipelines.sandbox.salesforce.metadata import components
from arsync_pipelines.sandbox.salesforce.metadata.components import ComponentError
from arsync_pipelines.sandbox.salesforce.org import Org
from arsync_pipelines.sandbox.salesforce.wire import Call, Reply


def create(org: Org, call: Call) -> Reply:
    """Create one custom field."""
    body = call.object()
    full_name, metadata = body.get("FullName"), body.get("Metadata")
    if not isinstance(full_name, str) or not isinstance(metadata, dict):
        raise SalesforceError(
            400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [FullName, Metadata]", ("FullName", "Metadata")
        )
    try:
        with org.store.transaction() as at:
            components.save_field(org.store, full_name, metadata, create=True, update=False)
            at.journal.append(("create", "CustomField", full_name, metadata))
            number = org.store.next_number("id:CustomField")
    except ComponentError as error:
        org.store.reload()
        raise SalesforceError(400, error.code, error.message, (error.field,) if error.field else ()) from None
    made = ids.make("00N", number)
    return Reply(201, {"id": made, "success": True, "errors": [], "warnings": [], "infos": []})
