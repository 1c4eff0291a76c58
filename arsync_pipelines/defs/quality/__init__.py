"""How check results appear in Dagster."""
