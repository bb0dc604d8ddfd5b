"""The demo season: invented people and invented trips. No rule of the domain lives here."""
