"""Results of models that nobody here ran: one file a foreign format, each into ordinary sealed runs."""
