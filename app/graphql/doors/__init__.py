"""The protocols by which GraphQL operations come: HTTP, multipart forms, WebSockets and server-sent events."""
