"""An organizer's own graph beside the registry's: in which bus and on which seat somebody travels."""
