"""Bookings: all that an organizer registered under one booking code in a season, as one thing."""
