"""Dagster only: assets, checks, jobs, schedules and sensors over the services. No rule of receivables lives here."""
