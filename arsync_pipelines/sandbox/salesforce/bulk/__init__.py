"""Bulk API 2.0: jobs that run beside the requests.

jobs.py keeps and runs them, ingest.py and extract.py do the work, resources.py is the wire.
"""
