"""Stripe: customers, invoices, charges, refunds, disputes, payouts and balance transactions, by events and re-list."""
