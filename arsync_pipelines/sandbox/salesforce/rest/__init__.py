"""The REST resources under /services/data/vNN.0, one module per family, each a set of functions of (org, call)."""
