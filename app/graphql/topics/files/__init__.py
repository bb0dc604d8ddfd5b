"""Files of rows as jobs, what came of them row by row, and the daily consolidation."""
