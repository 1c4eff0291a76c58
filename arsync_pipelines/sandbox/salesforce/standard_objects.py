"""The standard objects this org has, trimmed to the fields that receivables work touches.

Two custom fields exist from the start: `ERP_Customer_Id__c` and `Tax_Registration__c` on Account, filled in by people.
"""

from __future__ import annotations

from arsync_pipelines.sandbox.salesforce.schema import FieldDef, ObjectDef, build_object

CURRENCIES = {"USD": 2, "EUR": 2, "GBP": 2, "JPY": 0, "CHF": 2, "CAD": 2, "AUD": 2}
CORPORATE_CURRENCY = "USD"


def text(name: str, length: int, *, required: bool = False, kind: str = "string") -> FieldDef:
    """A text-like field."""
    return FieldDef(name, kind, name, length, required=required)


def lookup(name: str, to: str, relationship: str) -> FieldDef:
    """A reference to one object."""
    return FieldDef(name, "reference", name, 18, reference_to=to, relationship=relationship)


def money(name: str, scale: int = 2) -> FieldDef:
    """A currency field of 18 digits."""
    return FieldDef(name, "currency", name, precision=18, scale=scale)


def currency_code() -> FieldDef:
    """The record's currency, in an org with several."""
    return FieldDef(
        "CurrencyIsoCode",
        "picklist",
        "Currency ISO Code",
        3,
        default=CORPORATE_CURRENCY,
        picklist=tuple(CURRENCIES),
        restricted=True,
    )


def owner() -> FieldDef:
    """The owning user."""
    return lookup("OwnerId", "User", "Owner")


def read_only(name: str, kind: str, length: int = 0) -> FieldDef:
    """A field the platform fills."""
    return FieldDef(
        name, kind, name, length, createable=False, updateable=False, default=False if kind == "boolean" else None
    )


def _address(kind: str) -> list[FieldDef]:
    return [
        text(f"{kind}Street", 255, kind="textarea"),
        text(f"{kind}City", 40),
        text(f"{kind}State", 80),
        text(f"{kind}PostalCode", 20),
        text(f"{kind}Country", 80),
    ]


def _merged(to: str) -> FieldDef:
    return FieldDef(
        "MasterRecordId",
        "reference",
        "Master Record ID",
        18,
        reference_to=to,
        relationship="MasterRecord",
        createable=False,
        updateable=False,
    )


def standard_objects() -> list[ObjectDef]:
    """Fresh definitions of all standard objects."""
    account = build_object(
        "Account",
        "001",
        "Account",
        "Accounts",
        [
            _merged("Account"),
            text("Name", 255, required=True),
            text("Type", 255, kind="picklist"),
            lookup("ParentId", "Account", "Parent"),
            *_address("Billing"),
            *_address("Shipping"),
            text("Phone", 40, kind="phone"),
            text("AccountNumber", 40),
            text("Website", 255, kind="url"),
            text("Industry", 255, kind="picklist"),
            money("AnnualRevenue", 0),
            FieldDef("NumberOfEmployees", "int", "Employees", precision=8),
            text("Description", 32000, kind="textarea"),
            currency_code(),
            owner(),
            FieldDef("ERP_Customer_Id__c", "string", "ERP Customer Id", 40, external_id=True, metadata_type="Text"),
            FieldDef("Tax_Registration__c", "string", "Tax Registration", 40, metadata_type="Text"),
        ],
        cascades=("Contact.AccountId", "Opportunity.AccountId"),
    )
    contact = build_object(
        "Contact",
        "003",
        "Contact",
        "Contacts",
        [
            _merged("Contact"),
            lookup("AccountId", "Account", "Account"),
            text("LastName", 80, required=True),
            text("FirstName", 40),
            read_only("Name", "string", 121),
            text("Email", 80, kind="email"),
            text("Phone", 40, kind="phone"),
            text("Title", 128),
            currency_code(),
            owner(),
        ],
    )
    opportunity = build_object(
        "Opportunity",
        "006",
        "Opportunity",
        "Opportunities",
        [
            lookup("AccountId", "Account", "Account"),
            text("Name", 120, required=True),
            text("StageName", 255, required=True, kind="picklist"),
            money("Amount"),
            FieldDef("CloseDate", "date", "Close Date", required=True),
            text("Type", 255, kind="picklist"),
            text("Description", 32000, kind="textarea"),
            read_only("IsClosed", "boolean"),
            read_only("IsWon", "boolean"),
            currency_code(),
            owner(),
        ],
    )
    case = build_object(
        "Case",
        "500",
        "Case",
        "Cases",
        [
            lookup("AccountId", "Account", "Account"),
            lookup("ContactId", "Contact", "Contact"),
            text("Subject", 255),
            text("Description", 32000, kind="textarea"),
            FieldDef("Status", "picklist", "Status", 255, default="New"),
            FieldDef("Priority", "picklist", "Priority", 255, default="Medium"),
            text("Origin", 255, kind="picklist"),
            text("Type", 255, kind="picklist"),
            text("Reason", 255, kind="picklist"),
            currency_code(),
            owner(),
        ],
    )
    user = build_object(
        "User",
        "005",
        "User",
        "Users",
        [
            text("Username", 80, required=True),
            text("LastName", 80, required=True),
            text("FirstName", 40),
            read_only("Name", "string", 121),
            text("Email", 128, required=True, kind="email"),
            FieldDef("IsActive", "boolean", "Active", default=True),
            currency_code(),
        ],
    )
    organization = build_object(
        "Organization",
        "00D",
        "Organization",
        "Organizations",
        [
            text("Name", 80, required=True),
            FieldDef("IsSandbox", "boolean", "Is Sandbox", createable=False, updateable=False, default=True),
            text("InstanceName", 5),
            text("OrganizationType", 40, kind="picklist"),
            text("DefaultCurrencyIsoCode", 3),
        ],
    )
    currency_type = build_object(
        "CurrencyType",
        "01L",
        "Currency Type",
        "Currency Types",
        [
            FieldDef("IsoCode", "picklist", "Currency ISO Code", 3, required=True, unique=True),
            FieldDef("ConversionRate", "double", "Conversion Rate", precision=18, scale=6, required=True),
            FieldDef("DecimalPlaces", "int", "Decimal Places", precision=1),
            FieldDef("IsActive", "boolean", "Active", default=True),
            FieldDef("IsCorporate", "boolean", "Is Corporate Currency", default=False),
        ],
    )
    return [account, contact, opportunity, case, user, organization, currency_type]
