"""The command line: thin commands over the rooms; a room is imported when its command runs."""
