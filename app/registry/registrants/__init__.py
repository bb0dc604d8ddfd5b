"""The heart: a registrant is submitted, verified, departs, or ends otherwise; corrections, cases and look-ups."""
