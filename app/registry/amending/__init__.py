"""What is changed of a registration that stands, beside its status: the person's data, and the route."""
