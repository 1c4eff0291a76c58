"""arsync: Accounts Receivable in the ERP and the customer view in the CRM, kept in agreement."""
