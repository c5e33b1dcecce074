"""What changes with time: where the two sides stand in series of dated scores, and the lag between them."""
