"""The audit chain: appended to with every change, checked by the verifier."""
