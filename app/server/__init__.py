"""What a server process has around the application: bounds that act before the application, and a watchdog."""
