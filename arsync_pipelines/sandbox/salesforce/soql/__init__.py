"""SOQL: text -> tree (parser.py) -> SQL over the store (compiler.py). Paging and rendering are query.py's."""
