"""Pure rules of receivables and of moving them: no I/O, no framework, nothing of a vendor."""
