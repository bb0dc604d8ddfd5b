"""Outgoing webhooks: announced by a projection, sent by a duty."""
