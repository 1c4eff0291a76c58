"""What `arsync bench freshness` measures with: a probe is seen when the CRM shows its invoice and a moved balance."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from arsync_pipelines.cli.demo.world import World
from arsync_pipelines.connectors.salesforce.api import SalesforceApi
from arsync_pipelines.connectors.salesforce.options import SalesforceOptions
from arsync_pipelines.connectors.salesforce.setup import ensure_target
from arsync_pipelines.sandbox.salesforce.auth import CONSUMER_KEY
from tests.fixtures.freshness_probe import Prober
from tests.fixtures.sandbox import running_sandbox


def test_a_probe_is_seen_when_the_crm_shows_it(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, customers=20, invoices=60, vendors=("salesforce", "netsuite")) as sandbox:
        secrets = {"ID": CONSUMER_KEY, "SECRET": sandbox.secret("salesforce_client_secret")}
        auth = {"method": "client_credentials", "client_id": {"env": "ID"}, "client_secret": {"env": "SECRET"}}
        options = SalesforceOptions.model_validate({"base_url": sandbox.url("salesforce"), "auth": auth})
        api = SalesforceApi("crm", options, lambda reference: secrets[str(reference.env)])
        ensure_target(api)

        def write(path: str, **values: Any) -> None:
            api.http.request("PATCH", api.path(f"/sobjects/{path}"), json=values)

        with closing(api), closing(Prober(World(sandbox.base_urls, sandbox.secrets_dir))) as prober:
            probe = prober.post(0)
            assert prober.wait(probe, 0.3) is None
            write("AR_Invoice__c/External_Id__c/erp:1", Number__c=probe.number, Account__c=probe.account)
            assert prober.wait(probe, 0.3) is None, "the account's balance has not moved"
            write(f"Account/{probe.account}", AR_Open_Balance__c=float(probe.balance) + 100)
            seen = prober.wait(probe, 30)
            assert seen is not None and seen > 0
            assert prober.post(1).account != probe.account
