"""From runs to aligned scores: which runs count, which items, what is missing, what differs."""
