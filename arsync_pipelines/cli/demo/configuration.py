"""The arsync.toml of a demo: three connections to the sandbox, secrets by file."""

from __future__ import annotations

from pathlib import Path

from arsync_pipelines.cli.demo.hooks import make_secrets
from arsync_pipelines.cli.demo.world import World
from arsync_pipelines.sandbox.netsuite.app import ACCOUNT
from arsync_pipelines.sandbox.salesforce.auth import CONSUMER_KEY

_TEMPLATE = """\
# Written by `arsync demo`: the sandbox's Salesforce, NetSuite and Stripe, one company seen by all three.
state_dir = "{state_dir}"

[clock]
kind = "http"
url = "{control}/clock"

[reporting]
currency = "USD"

[automation]
enabled = true
poll_seconds = 15

[connections.crm]
vendor = "salesforce"
base_url = "{salesforce}"
multi_currency = true
field_history = "all"
[connections.crm.auth]
method = "client_credentials"
client_id = {{ file = "{secrets}/salesforce_client_id" }}
client_secret = {{ file = "{secrets}/salesforce_client_secret" }}
[connections.crm.webhook]
secrets = [{{ file = "{secrets}/salesforce_webhook_secret" }}]

[connections.erp]
vendor = "netsuite"
account = "{account}"
base_url = "{netsuite}"
time_zone = "America/Los_Angeles"
[connections.erp.auth]
method = "tba"
consumer_key = {{ file = "{secrets}/netsuite_consumer_key" }}
consumer_secret = {{ file = "{secrets}/netsuite_consumer_secret" }}
token_id = {{ file = "{secrets}/netsuite_token_id" }}
token_secret = {{ file = "{secrets}/netsuite_token_secret" }}
[connections.erp.webhook]
secrets = [{{ file = "{secrets}/netsuite_webhook_secret" }}]

[connections.processor]
vendor = "stripe"
base_url = "{stripe}"
api_key = {{ file = "{secrets}/stripe_api_key" }}
[connections.processor.webhook]
secrets = [{{ file = "{secrets}/stripe_webhook_secret" }}]
"""

_ENTITY = """
[[legal_entities]]
connection = "erp"
id = "{id}"
time_zone = "{time_zone}"
crm_business_unit = "{unit}"
"""

_ENTITIES = (
    ("1", "America/New_York", "North America"),
    ("2", "Europe/Berlin", "Continental Europe"),
    ("3", "Europe/London", "United Kingdom"),
    ("4", "Asia/Tokyo", "Japan"),
)


def write_configuration(world: World, path: Path, state_dir: Path) -> None:
    """Write arsync.toml for `world` at `path`."""
    (world.secrets / "salesforce_client_id").write_text(CONSUMER_KEY, encoding="utf-8")
    make_secrets(world.secrets)
    text = _TEMPLATE.format(state_dir=state_dir, secrets=world.secrets, account=ACCOUNT, **world.urls)
    text += "".join(_ENTITY.format(id=i, time_zone=zone, unit=unit) for i, zone, unit in _ENTITIES)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
