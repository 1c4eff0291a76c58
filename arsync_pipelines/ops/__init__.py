"""The operational store: what should be written to other systems, every attempt at it, and its outcome."""
