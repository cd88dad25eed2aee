"""Names → networks."""
