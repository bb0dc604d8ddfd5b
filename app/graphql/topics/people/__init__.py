"""What is done with people beyond one registrant: bookings, and ends that are taken back."""
