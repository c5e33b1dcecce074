"""Sealing: answers are graded, written as rows, and vouched for by a receipt; whoever asked them, or nobody here."""
