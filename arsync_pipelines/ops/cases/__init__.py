"""Exception cases: what the data says of them (seen, held), how they are found (find), what people do (store)."""
