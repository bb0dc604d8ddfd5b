"""Steps back: Hubdat reopens what has ended, and no-shows go back when a wrong departure time is put right."""
