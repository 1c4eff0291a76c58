"""Options, tokens, set-up and doctor over a scripted org."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import ValidationError

from arsync_pipelines.connectors.http import AccessRefused, Token
from arsync_pipelines.connectors.salesforce import CONNECTOR
from arsync_pipelines.connectors.salesforce.auth import SalesforceAuth
from arsync_pipelines.connectors.salesforce.fields import DEFAULT_NAMES, KINDS, OBJECTS, TRACKED
from arsync_pipelines.connectors.salesforce.metadata import results
from arsync_pipelines.connectors.salesforce.options import SalesforceOptions
from arsync_pipelines.connectors.salesforce.setup import ensure_target
from arsync_pipelines.connectors.salesforce.source import SalesforceSource
from arsync_pipelines.domain.errors import SinkError

from .org import OPTIONS, Org, error


def described(names: list[str], updateable: bool = True) -> httpx.Response:
    return httpx.Response(200, json={"fields": [{"name": n, "updateable": updateable} for n in names]})


class DescribedOrg(Org):
    """Knows objects and their fields, creates more through upsertMetadata."""

    def __init__(self, objects: dict[str, list[str]]) -> None:
        super().__init__(self.answer)
        self.objects = objects
        self.hide = False
        self.problem = ""

    def answer(self, request: httpx.Request) -> httpx.Response | None:
        path = request.url.path
        if path.endswith("/limits"):
            return httpx.Response(200, json={"DailyApiRequests": {"Max": 100, "Remaining": 5}})
        if path.endswith("/describe"):
            name = path.split("/")[-2]
            return described(self.objects[name]) if name in self.objects else None
        assert path == "/services/Soap/m/66.0"
        return self.upsert(request.content.decode())

    def upsert(self, body: str) -> httpx.Response:
        names = [part.split("</fullName>")[0] for part in body.split("<fullName>")[1:]]
        assert f"<sessionId>t{self.tokens}</sessionId>" in body
        assert len(names) <= 10
        out = ""
        for name in names:
            parent, _, field = name.partition(".")
            if not self.hide:
                self.objects.setdefault(parent, []).extend([field] if field else [])
            fault = f"<errors><message>{self.problem}</message><statusCode>X</statusCode></errors>"
            ok = "false" if self.problem else "true"
            rest = fault if self.problem else "<created>true</created>"
            out += f"<result>{rest}<fullName>{name}</fullName><success>{ok}</success></result>"
        xml = f'<e xmlns="http://soap.sforce.com/2006/04/metadata"><upsertMetadataResponse>{out}</upsertMetadataResponse></e>'
        return httpx.Response(200, text=xml)


def test_missing_objects_and_fields_are_created_once() -> None:
    org = DescribedOrg({"Account": ["Id", "Name", "ERP_Customer_Id__c"]})
    api = org.api()
    lines = ensure_target(api)
    assert "created AR_Invoice__c" in lines
    assert "created Account.AR_Open_Balance__c" in lines
    assert "created Account.ERP_Customer_Id__c" not in lines
    assert ensure_target(api) == []
    sent = b"".join(r.content for r in org.requests).decode()
    key = sent.split("<fullName>AR_Invoice__c.External_Id__c</fullName>")[1].split("</metadata>")[0]
    assert "<externalId>true</externalId>" in key
    assert "<unique>true</unique>" in key


def test_hidden_and_refused_fields_say_what_to_grant() -> None:
    org = DescribedOrg({name: ["Id"] for name in OBJECTS.values()})
    org.hide = True
    with pytest.raises(SinkError, match="permission set"):
        ensure_target(org.api())
    org.problem = "insufficient access"
    with pytest.raises(SinkError, match=r"insufficient access.*Customize Application"):
        ensure_target(org.api())


class TrackingOrg(DescribedOrg):
    """A prepared org that tells its components, and answers what it is told of history with `refusals` by name."""

    def __init__(self, refusals: dict[str, str] | None = None) -> None:
        super().__init__({OBJECTS[name]: list(DEFAULT_NAMES[name].values()) for name in KINDS})
        self.refusals = refusals or {}
        self.on: set[str] = set()

    def upsert(self, body: str) -> httpx.Response:
        if "<readMetadata>" in body:
            kind = "CustomObject" if "<type>CustomObject</type>" in body else "CustomField"
            names = [part.split("</fullNames>")[0] for part in body.split("<fullNames>")[1:]]
            return self.soap("".join(self.component(kind, name) for name in names))
        out = ""
        for part in body.split("<metadata ")[1:]:
            name = part.split("<fullName>")[1].split("</fullName>")[0]
            problem = self.refusals.get(name)
            if not problem and ("<trackHistory>true" in part or "<enableHistory>true" in part):
                self.on.add(name)
            errors = f"<errors><message>{problem}</message><statusCode>X</statusCode></errors>" if problem else ""
            out += f"<result>{errors}<fullName>{name}</fullName><success>{str(not problem).lower()}</success></result>"
        return self.soap(out)

    def component(self, kind: str, name: str) -> str:
        flag = "enableHistory" if kind == "CustomObject" else "trackHistory"
        rest = "<fields><fullName>X__c</fullName></fields><nameField><label>No.</label></nameField>"
        rest = rest if kind == "CustomObject" else "<length>40</length>"
        value = str(name in self.on).lower()
        shown = f"<fullName>{name}</fullName><{flag}>{value}</{flag}><label>Theirs &amp; ours</label>"
        return f"<records>{shown}{rest}</records>"

    def soap(self, inner: str) -> httpx.Response:
        return httpx.Response(200, text=f'<e xmlns="http://soap.sforce.com/2006/04/metadata">{inner}</e>')

    def upserts(self) -> list[str]:
        return [text for r in self.requests if "<upsertMetadata>" in (text := r.content.decode())]


def test_history_of_our_fields_is_switched_on_once_and_all_else_is_left_as_it_was() -> None:
    org = TrackingOrg()
    api = org.api(field_history="all")
    told = ensure_target(api)
    wanted = {f"{OBJECTS[name]}.{DEFAULT_NAMES[name][field]}" for name, fields in TRACKED.items() for field in fields}
    assert {line.removeprefix("field history kept of ") for line in told} == wanted | set(OBJECTS.values()) == org.on
    (account,) = (text for text in org.upserts() if "<fullName>Account</fullName>" in text)
    assert "<label>Theirs &amp; ours</label><nameField><label>No.</label></nameField>" in account
    assert "<fields>" not in account, "fields are saved by themselves"
    before = len(org.upserts())
    assert ensure_target(api) == [] and len(org.upserts()) == before


def test_no_object_is_asked_for_more_history_than_an_org_keeps() -> None:
    for name, fields in TRACKED.items():
        assert len(set(fields)) == len(fields) <= 20 and set(fields) <= set(KINDS[name])
    assert len(TRACKED["account"]) <= 10, "the org's people have fields of their own there"


def test_history_that_an_org_refuses_is_told_and_the_rest_is_kept() -> None:
    full = "exceeded the allowed number of fields to track on a given entity"
    org = TrackingOrg({"Account.AR_Unapplied__c": full, "AR_Invoice__c": "no such thing"})
    told = ensure_target(org.api(field_history="all"))
    assert f"no field history of Account.AR_Unapplied__c: X {full}" in told
    assert "field history kept of Account.AR_Open_Balance__c" in told
    assert "no field history of AR_Invoice__c: X no such thing" in told
    assert not any("AR_Invoice__c." in line for line in told), "its fields are not tried"


def test_account_is_left_alone_unless_asked_for() -> None:
    org = TrackingOrg()
    told = ensure_target(org.api())
    assert told and not any("Account." in line or line.endswith(" Account") for line in told)
    assert not any("<fullName>Account" in text for text in org.upserts())


def test_history_can_be_left_alone() -> None:
    org = TrackingOrg()
    assert ensure_target(org.api(field_history="off")) == []
    assert not [r for r in org.requests if "Soap" in r.url.path]


def test_a_user_who_may_not_read_metadata_prepares_all_the_same_and_at_once() -> None:
    class Closed(TrackingOrg):
        def upsert(self, body: str) -> httpx.Response:
            return httpx.Response(
                500, text="<e><faultstring>INSUFFICIENT_ACCESS: use of the Metadata API</faultstring></e>"
            )

    org = Closed()
    (line,) = ensure_target(org.api())
    assert "INSUFFICIENT_ACCESS" in line and "left as it is" in line
    assert len([r for r in org.requests if "Soap" in r.url.path]) == 1, "asked once, not until the budget is used up"


def test_a_mapping_to_a_standard_field_that_is_not_there_is_told() -> None:
    org = DescribedOrg({name: ["Id"] for name in OBJECTS.values()})
    with pytest.raises(SinkError, match="only Salesforce could create"):
        ensure_target(org.api(mapping={"account": {"open_balance": "Saldo"}}))


def test_a_soap_fault_is_told() -> None:
    with pytest.raises(ValueError, match="no session"):
        list(results(b"<e xmlns='x'><Fault><faultstring>no session</faultstring></Fault></e>"))
    with pytest.raises(ValueError, match="no XML"):
        list(results(b"<html>"))


def lines(org: Org) -> dict[str, Any]:
    return {line.name: line for line in SalesforceSource(org.api()).check()}


def test_the_doctor_finds_what_is_missing_and_advises() -> None:
    objects = {"Account": ["Id"], "Contact": ["Id"], "Opportunity": ["Id"], "User": ["Id"]}
    seen = lines(DescribedOrg(objects))
    assert seen["reachable"].status == "ok"
    assert seen["limits"].status == "warning"
    assert seen["objects"].status == "ok"
    assert "AR_Open_Balance__c" in seen["AR fields of Account"].detail
    assert "arsync init" in seen["AR fields of AR_Invoice__c"].advice


def test_the_doctor_names_fields_that_came_after_the_org_was_prepared() -> None:
    later = {"account": ["over_limit", "collections_status", "promise_date"], "invoice": ["dunning_level"]}
    objects = {
        OBJECTS[name]: [api for field, api in DEFAULT_NAMES[name].items() if field not in later.get(name, [])]
        for name in KINDS
    }
    seen = lines(DescribedOrg({**objects, "Contact": [], "Opportunity": [], "User": []}))
    account, invoice = seen["AR fields of Account"], seen["AR fields of AR_Invoice__c"]
    assert account.detail == "missing or hidden: AR_Over_Limit__c, AR_Collections_Status__c, AR_Promise_Date__c"
    assert invoice.detail == "missing or hidden: Dunning_Level__c" and "arsync init" in invoice.advice
    assert seen["AR fields of AR_Account_Balance__c"].status == "ok"


def test_the_doctor_is_content_with_a_prepared_org() -> None:
    objects = {OBJECTS[name]: list(DEFAULT_NAMES[name].values()) for name in KINDS}
    seen = lines(DescribedOrg({**objects, "Contact": [], "Opportunity": [], "User": []}))
    assert {line.status for name, line in seen.items() if name.startswith("AR fields")} == {"ok"}


def test_the_doctor_never_raises() -> None:
    assert lines(Org(lambda r: httpx.ConnectError))["reachable"].status == "failed"
    assert lines(Org(lambda r: error(401, "INVALID_SESSION_ID")))["authorised"].status == "failed"
    assert lines(Org(lambda r: httpx.Response(200, html="<p>hi")))["reachable"].status == "failed"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mapping": {"account": {"open_balanse": "X__c"}}}, "unknown AR field open_balanse"),
        ({"mapping": {"objects": {"payment": "X__c"}}}, "payment"),
        ({"mapping": {"account": {"open_balance": "DROP TABLE"}}}, "pattern"),
        ({"base_url": "acme"}, "url"),
        ({"bulk": True}, "Extra"),
        ({"auth": {"method": "password"}}, "client_credentials"),
    ],
)
def test_wrong_options_are_refused_with_a_reason(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        SalesforceOptions.model_validate({**OPTIONS, **change})


def auth_of(how: dict[str, Any], reveal: Any = lambda ref: f"s-{ref.env}", **more: Any) -> SalesforceAuth:
    return SalesforceAuth("crm", SalesforceOptions.model_validate({**OPTIONS, "auth": how, **more}), reveal)


def test_a_jwt_is_signed_for_the_login_host() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    how = {"method": "jwt", "client_id": {"env": "ID"}, "username": "ar@acme.test", "private_key": {"env": "KEY"}}
    made = auth_of(how, lambda ref: pem if ref.env == "KEY" else "consumer", login_url="https://login.acme.test")
    request = made.token_request()
    assert request.url == "https://login.acme.test/services/oauth2/token"
    form = parse_qs(request.content.decode())
    claims = jwt.decode(form["assertion"][0], key.public_key(), ["RS256"], audience="https://login.acme.test")
    assert (claims["iss"], claims["sub"]) == ("consumer", "ar@acme.test")
    with pytest.raises(AccessRefused, match=r"no RSA private key"):
        auth_of(how, lambda ref: "nonsense").token_request()


def test_a_refresh_token_and_client_credentials_ask_as_the_vendor_wants() -> None:
    how = {"method": "refresh_token", "client_id": {"env": "ID"}, "refresh_token": {"env": "R"}}
    form = parse_qs(auth_of(how).token_request().content.decode())
    assert form == {"grant_type": ["refresh_token"], "client_id": ["s-ID"], "refresh_token": ["s-R"]}
    basic = auth_of(OPTIONS["auth"]).token_request().headers["Authorization"]
    assert basic == "Basic " + "cy1JRDpzLVNFQ1JFVA=="


def test_requests_go_to_the_instance_the_token_names() -> None:
    request = httpx.Request("GET", "https://acme.test/services/data/v66.0/limits")
    auth_of(OPTIONS["auth"]).apply(request, Token("t", base_url="https://eu7.acme.test:8443"))
    assert request.url == "https://eu7.acme.test:8443/services/data/v66.0/limits"
    assert request.headers["Host"] == "eu7.acme.test:8443"


def test_the_connector_declares_itself() -> None:
    assert (CONNECTOR.vendor, CONNECTOR.role) == ("salesforce", "crm")
    options = CONNECTOR.options.model_validate(OPTIONS)
    source = CONNECTOR.source("crm", options, lambda ref: "x")
    assert [s.name for s in source.streams()] == [s.name for s in CONNECTOR.streams]
    assert CONNECTOR.sink is not None
    assert CONNECTOR.sink("crm", options, lambda ref: "x").connection == "crm"
