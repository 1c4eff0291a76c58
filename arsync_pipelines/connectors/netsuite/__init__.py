"""NetSuite over SuiteTalk REST: SuiteQL reads of customers, receivables documents, their lines and postings."""
