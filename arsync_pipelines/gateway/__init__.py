"""ASGI app: webhooks in, health and metrics out. The only part of ours that others call."""
