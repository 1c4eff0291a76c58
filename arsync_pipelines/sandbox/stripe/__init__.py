"""Stand-in for Stripe's API: wire protocol, state and webhooks. See README.md for what is faithful and what is not."""

from .app import StripeSandbox, build

__all__ = ["StripeSandbox", "build"]
