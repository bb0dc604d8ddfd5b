"""What a server process has around the application: bounded protocols, and a watchdog over its event loop."""
