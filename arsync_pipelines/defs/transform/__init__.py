"""Raw tables -> canonical, reconciled and difference models: dbt, run by one fat step."""
