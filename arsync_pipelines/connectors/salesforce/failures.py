"""Salesforce's codes in the taxonomy: those that errors.py tells apart, and the refusals of rows that orgs meet.

Source of the codes: "Status Codes" of the SOAP API Developer Guide, which collections and bulk jobs share.
"""

from __future__ import annotations

from arsync_pipelines.domain.push import FailureClass
from arsync_pipelines.domain.taxonomy import Failure
from arsync_pipelines.domain.teams import Team

_RETRIED = "nothing while it is retried; once it is dead, find what holds the org up, then replay"
_REPLAY = ", then `arsync cases replay`"

_TRANSIENT = {
    "UNABLE_TO_LOCK_ROW": "another process of the org holds the record",
    "SERVER_UNAVAILABLE": "the org does not answer",
    "REQUEST_RUNNING_TOO_LONG": "the org gave up on a request that took too long",
    "QUERY_TIMEOUT": "the org gave up on a query that took too long",
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": "the row was rolled back because another one failed",
    "PROCESSING_HALTED": "the org stopped before this row",
    "TXN_LIMIT_EXCEEDED": "the transaction met a limit of the org",
    "UNKNOWN_EXCEPTION": "the org failed and does not say why",
    "REQUEST_LIMIT_EXCEEDED": "the requests of the day, or those at once, are used up",
    "LIMIT_EXCEEDED": "a limit of the org is met",
}
_STRUCTURAL = {
    "INVALID_TYPE": ("an object is not there, or not visible", "run `arsync init`, or give access to the object"),
    "INVALID_FIELD": ("a field is not there, or not visible", "run `arsync init`, or give access to the field"),
    "INVALID_FIELD_FOR_INSERT_UPDATE": ("a field may not be written", "give write access to the field"),
    "NOT_FOUND": ("the record or resource is not there", "see whether it was deleted; correct the mapping"),
    "INSUFFICIENT_ACCESS": ("the user may not do this", "grant the connection's user the permission"),
    "INSUFFICIENT_ACCESS_OR_READONLY": ("the record may not be written", "share the record with the connection's user"),
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": ("a trigger or flow of the org refused the record",
                                             "correct the trigger or flow that the message names"),
    "METHOD_NOT_ALLOWED": ("the resource does not take this kind of request", "correct the mapping of the object"),
    "API_DISABLED_FOR_ORG": ("the org's edition or the user's profile has no API", "enable the API for the user"),
    "INVALID_SESSION_ID": ("the session is not accepted", "check the connected app and its user"),
    "invalid_grant": ("the org refuses the credentials", "check the connected app and its user"),
    "STORAGE_LIMIT_EXCEEDED": ("the org's storage is full", "free storage in the org, or buy more"),
}  # fmt: skip
_BUSINESS: dict[str, tuple[str, Team, int, str]] = {
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": ("a validation rule of the org refuses the record", "sales_operations", 24,
                                          "correct the record or the rule that the message names"),
    "DUPLICATE_VALUE": ("another record has the value of a unique field", "sales_operations", 24,
                        "merge the records, or correct the value"),
    "DUPLICATES_DETECTED": ("a duplicate rule of the org suspects a duplicate", "sales_operations", 48,
                            "merge the records, or let the connection's user bypass the rule"),
    "DUPLICATE_EXTERNAL_ID": ("several records carry the external id", "sales_operations", 24, "merge the records"),
    "MULTIPLE_CHOICES": ("several records carry the external id", "sales_operations", 24, "merge the records"),
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": ("a value is not among those of a picklist", "sales_operations", 24,
                                                "add the value to the picklist"),
    "STRING_TOO_LONG": ("a text is longer than its field", "sales_operations", 24, "lengthen the field"),
    "NUMBER_OUTSIDE_VALID_RANGE": ("an amount does not fit its field", "sales_operations", 24, "widen the field"),
    "INVALID_CROSS_REFERENCE_KEY": ("the record refers to one that is not there", "sales_operations", 24,
                                    "see whether the account was deleted or merged"),
    "INVALID_EMAIL_ADDRESS": ("an e-mail address is none", "sales_operations", 24, "correct the address"),
    "MALFORMED_ID": ("an id is none of this org", "data_engineering", 24, "correct the link of the account"),
    "ENTITY_IS_DELETED": ("the record was deleted in the CRM", "sales_operations", 24,
                          "restore the record, or let the next sync create it anew"),
    "ENTITY_IS_LOCKED": ("an approval process has locked the record", "sales_operations", 24,
                         "end the approval, or let the connection's user edit locked records"),
    "FIELD_INTEGRITY_EXCEPTION": ("a value contradicts another of the record", "sales_operations", 24,
                                  "correct the value that the message names"),
    "FIELD_FILTER_VALIDATION_EXCEPTION": ("a lookup filter of the org refuses the value", "sales_operations", 24,
                                          "correct the value or the filter"),
    "INACTIVE_OWNER_OR_USER": ("the owner of the record is inactive", "sales_operations", 24, "give it another owner"),
    "TRANSFER_REQUIRES_READ": ("the owner may not read the record", "sales_operations", 24, "give it another owner"),
}  # fmt: skip

FAILURES: tuple[Failure, ...] = (
    *(Failure(code, FailureClass.TRANSIENT, title, "data_engineering", 4, _RETRIED, "salesforce")
      for code, title in _TRANSIENT.items()),
    *(Failure(code, FailureClass.PERMANENT, title, "data_engineering", 8, advice + _REPLAY, "salesforce")
      for code, (title, advice) in _STRUCTURAL.items()),
    *(Failure(code, FailureClass.BUSINESS, title, owner, hours, advice + _REPLAY, "salesforce")
      for code, (title, owner, hours, advice) in _BUSINESS.items()),
)  # fmt: skip
