"""The doors beside GraphQL: the 12-column standard by webhook, file and daily list, and last year's scheme."""
