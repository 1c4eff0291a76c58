"""Traces and metrics by OpenTelemetry. Loaded only where the environment names a collector."""
