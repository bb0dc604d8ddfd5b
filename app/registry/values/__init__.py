"""What a single value means, without a database: a NIK, a name, a city, a spelling, a date, a line of text."""
