"""What follows a change, by reading the change log and never by a hook in the write path."""
