"""What an operator needs: roles, poolers, backups of the database."""
