"""Stand-ins that speak the vendors' wire protocols, and the one company that all of them see.

The sandbox is the independent witness: it imports nothing of the rest of arsync, and nothing but the CLI and tests
imports it. Connectors know it only as a base URL.
"""
