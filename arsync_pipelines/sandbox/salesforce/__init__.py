"""A stand-in for a Salesforce org: REST, SOQL, Bulk API 2.0, Metadata API subset and change events over SQLite.

README.md in this folder says what was verified against which source and what is simplified.
"""

from __future__ import annotations

from arsync_pipelines.sandbox.core.context import SandboxContext
from arsync_pipelines.sandbox.salesforce.sandbox import SalesforceSandbox

__all__ = ["SalesforceSandbox", "build"]


def build(context: SandboxContext) -> SalesforceSandbox:
    """The stand-in over the context's state folder."""
    return SalesforceSandbox(context)
