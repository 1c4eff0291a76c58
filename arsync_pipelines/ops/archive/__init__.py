"""The archive: what has long ended is written to files, and only then leaves the store."""
