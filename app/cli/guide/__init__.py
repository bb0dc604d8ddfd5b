"""The tables of the guide for organizers, and the words that they need."""
