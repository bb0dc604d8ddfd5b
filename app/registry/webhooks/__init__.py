"""An organizer's own webhooks: where they point, and what is delivered to them."""
