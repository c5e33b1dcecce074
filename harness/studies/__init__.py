"""What needs runs and gaps together: how many items to ask, when to stop, whether to switch."""
