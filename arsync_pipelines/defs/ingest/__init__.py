"""Sources -> raw tables: one multi-asset per vendor, made from the connector registry."""
