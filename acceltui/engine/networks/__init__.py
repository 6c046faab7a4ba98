"""Actors and critics over windows of observations."""
