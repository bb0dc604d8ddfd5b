"""The doors that machines knock at without GraphQL."""
