"""Stand-in for NetSuite's SuiteTalk REST services. See README.md for what is faithful and what is not."""

from .app import ACCOUNT, NetSuiteSandbox, build

__all__ = ["ACCOUNT", "NetSuiteSandbox", "build"]
