"""The arsync.toml that `arsync init` writes: every choice shown, nothing switched on."""

ARSYNC_TOML = """\
# arsync.toml - connections, mappings and policies. Secrets are references, never values:
#   { env = "NAME" }  or  { file = "path" }

state_dir = ".arsync"            # warehouse, snapshots, landing files, ops store; relative to this file

[reporting]
currency = "USD"                 # roll-ups over several currencies are shown in this one
aging_edges = [0, 30, 60, 90]    # last day past due of: current, 1-30, 31-60, 61-90; beyond: 91+
aging_basis = "due"              # or "document"
unapplied_days = 30              # so long may a payment or a credit wait before it is a finding

[automation]
enabled = false                  # true: Dagster's sensors and the nightly proof start switched on

# --- the CRM ---------------------------------------------------------------------------------------------------------
# [connections.crm]
# vendor = "salesforce"
# base_url = "https://yourcompany.my.salesforce.com"
# [connections.crm.auth]
# method = "client_credentials"  # or "jwt", "refresh_token"
# client_id = { env = "SALESFORCE_CLIENT_ID" }
# client_secret = { env = "SALESFORCE_CLIENT_SECRET" }
# [connections.crm.mapping.account]
# open_balance = "AR_Open_Balance__c"   # only where your API names differ from the defaults

# --- the ERP ---------------------------------------------------------------------------------------------------------
# [connections.erp]
# vendor = "netsuite"
# account = "1234567"
# time_zone = "America/Los_Angeles"
# [connections.erp.auth]
# method = "tba"
# consumer_key = { env = "NETSUITE_CONSUMER_KEY" }
# consumer_secret = { env = "NETSUITE_CONSUMER_SECRET" }
# token_id = { env = "NETSUITE_TOKEN_ID" }
# token_secret = { env = "NETSUITE_TOKEN_SECRET" }

# or Tryton:
# [connections.erp]
# vendor = "tryton"
# base_url = "https://tryton.example.com"
# database = "company"
# user = "arsync"
# password = { env = "TRYTON_PASSWORD" }

# What the ERP does not say of a legal entity; without an entry its dates are taken in UTC.
# [[legal_entities]]
# connection = "erp"
# id = "1"
# time_zone = "America/New_York"
# crm_business_unit = "Americas"
# aging_edges = [0, 15, 30, 60]    # its own, instead of those of [reporting]; so also aging_basis

# --- the payment processor -------------------------------------------------------------------------------------------
# [connections.processor]
# vendor = "stripe"
# api_key = { env = "STRIPE_API_KEY" }
# [connections.processor.webhook]        # what `arsync gateway` takes; see docs/howto/receive-webhooks.md
# secrets = [{ env = "STRIPE_WEBHOOK_SECRET" }]

# --- or extracts in a folder -----------------------------------------------------------------------------------------
# see docs/howto/files-as-an-erp.md
"""
