"""Looking at a NIK: the check, its budget and access log, blocks, and the alarm on enumeration."""
