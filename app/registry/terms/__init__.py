"""What is in force: seasons, organizers, their policies and windows (waves)."""
