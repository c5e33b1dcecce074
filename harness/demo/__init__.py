"""The embedded default: a synthetic world, two small models trained on it, and a server for the closed side."""
