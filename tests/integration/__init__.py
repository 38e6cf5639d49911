"""Tests over a real server process."""
