"""What the org says about itself: versions, resources, object and field descriptions, limits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from arsync_pipelines.sandbox.salesforce.org import Org
from arsync_pipelines.sandbox.salesforce.schema import NUMBERS, TEXTS, FieldDef, ObjectDef
from arsync_pipelines.sandbox.salesforce.wire import Call, Reply

LATEST = 67
_SOAP = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "int": "xsd:int",
    "anyType": "xsd:anyType",
}
_RESOURCES = ("composite", "jobs", "limits", "query", "queryAll", "sobjects", "tooling")


def versions() -> list[dict[str, str]]:
    """GET /services/data: no authorization needed."""
    seasons = ("Spring", "Summer", "Winter")
    return [
        {
            "label": f"{seasons[(number - 42) % 3]} '{18 + (number - 42 + 1) // 3:02d}",
            "url": f"/services/data/v{number}.0",
            "version": f"{number}.0",
        }
        for number in range(42, LATEST + 1)
    ]


def resources(call: Call) -> Reply:
    """GET /services/data/vNN.0."""
    return Reply(200, {name: f"/services/data/{call.version}/{name}" for name in _RESOURCES})


def _summary(owner: ObjectDef, version: str) -> dict[str, Any]:
    base = f"/services/data/{version}/sobjects/{owner.name}"
    return {
        "name": owner.name,
        "label": owner.label,
        "labelPlural": owner.plural,
        "keyPrefix": owner.prefix,
        "custom": owner.custom,
        "customSetting": False,
        "activateable": False,
        "createable": not owner.history_of,
        "deletable": not owner.history_of,
        "updateable": not owner.history_of,
        "queryable": True,
        "retrieveable": True,
        "replicateable": True,
        "searchable": False,
        "undeletable": not owner.history_of,
        "mergeable": owner.name in ("Account", "Contact"),
        "triggerable": not owner.history_of,
        "deprecatedAndHidden": False,
        "urls": {
            "sobject": base,
            "describe": f"{base}/describe",
            "rowTemplate": f"{base}/{{ID}}",
        },
    }


def everything(org: Org, call: Call) -> Reply:
    """GET /sobjects."""
    with org.store.lock:
        found = [_summary(one, call.version) for one in sorted(org.store.objects.values(), key=lambda one: one.name)]
    return Reply(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": found})


def basic(org: Org, call: Call, name: str) -> Reply:
    """GET /sobjects/{Object}."""
    return Reply(200, {"objectDescribe": _summary(org.object(name), call.version), "recentItems": []})


def whole(org: Org, call: Call, name: str) -> Reply:
    """GET /sobjects/{Object}/describe."""
    owner = org.object(name)
    drift = org.queries.scope(include_deleted=False, path=f"/sobjects/{name}/describe").drift
    fields = [field(one) for one in owner.fields.values() if (owner.name.lower(), one.name.lower()) not in drift.gone]
    fields += [field(replace(one, name=new)) for new, held in drift.of(owner.name).items() if (one := owner.find(held))]
    children = [
        {
            "childSObject": child.name,
            "field": item.name,
            "cascadeDelete": f"{child.name}.{item.name}" in owner.cascades,
            "deprecatedAndHidden": False,
            "relationshipName": child.plural.replace(" ", "") if not child.custom else None,
        }
        for child in org.store.objects.values()
        for item in child.fields.values()
        if item.reference_to == owner.name
    ]
    return Reply(
        200, {**_summary(owner, call.version), "fields": fields, "childRelationships": children, "recordTypeInfos": []}
    )


def field(item: FieldDef) -> dict[str, Any]:
    """One field as describe shows it."""
    number = item.type in NUMBERS
    whole_number = item.type == "int"
    return {
        "name": item.name,
        "label": item.label or item.name,
        "type": item.type,
        "soapType": _SOAP.get(item.type, "xsd:double" if number else "xsd:string"),
        "length": item.length,
        "byteLength": item.length * 3,
        "precision": item.precision if number and not whole_number else 0,
        "scale": item.scale if number else 0,
        "digits": item.precision if whole_number else 0,
        "custom": item.custom,
        "nillable": not item.required and item.type not in ("id", "boolean"),
        "defaultedOnCreate": item.default is not None or item.name == "OwnerId" or not item.createable,
        "createable": item.createable,
        "updateable": item.updateable,
        "externalId": item.external_id,
        "unique": item.unique,
        "caseSensitive": item.case_sensitive,
        "idLookup": item.external_id or item.type == "id",
        "calculated": False,
        "autoNumber": False,
        "filterable": item.type not in ("textarea", "anyType"),
        "sortable": item.type != "textarea",
        "groupable": item.type in TEXTS - {"textarea"} | {"id", "reference", "boolean", "date", "int"},
        "aggregatable": item.type != "boolean",
        "defaultValue": item.default if item.type in ("boolean", "picklist") else None,
        "referenceTo": [item.reference_to] if item.reference_to else [],
        "relationshipName": item.relationship or None,
        "restrictedPicklist": item.restricted,
        "picklistValues": [
            {"active": True, "defaultValue": value == item.default, "label": value, "value": value}
            for value in item.picklist
        ],
        "deprecatedAndHidden": False,
        "permissionable": item.custom,
    }


def limits(org: Org) -> Reply:
    """GET /limits."""
    used, allowed = org.usage.used(), org.usage.allowed()
    jobs = org.jobs.started_in_a_day()
    return Reply(
        200,
        {
            "DailyApiRequests": {"Max": allowed, "Remaining": max(0, allowed - used)},
            "DailyBulkApiBatches": {"Max": 15000, "Remaining": 15000},
            "DailyBulkV2QueryJobs": {"Max": 10000, "Remaining": max(0, 10000 - jobs)},
            "DailyBulkV2QueryFileStorageMB": {"Max": 976562, "Remaining": 976562},
            "DataStorageMB": {"Max": 10240, "Remaining": 9000},
        },
    )
