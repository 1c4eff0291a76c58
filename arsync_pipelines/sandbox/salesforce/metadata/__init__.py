"""Custom objects and fields: components.py knows what may be made, soap.py and tooling.py are the two doors to it."""
