"""The published differences -> the CRM."""
