"""What the services ask of the outside: Protocols with more than one implementation, and the values that cross them."""
