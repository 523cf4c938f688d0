"""Giving the course: notebooks, exercises, the environment check."""
