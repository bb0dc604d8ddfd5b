"""The wire: HTTP, multipart, WebSockets and server-sent events."""
