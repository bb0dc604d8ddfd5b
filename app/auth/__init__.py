"""Who is calling: OAuth 2.0 client credentials through authlib, and the bearer tokens that come of them."""
