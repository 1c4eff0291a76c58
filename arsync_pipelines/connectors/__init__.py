"""One folder per vendor; `registry` lists them. Nothing here knows the warehouse, the ops store or Dagster."""
