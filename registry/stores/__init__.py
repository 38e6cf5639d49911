"""Stores on disk, behind the port of registry/store.py."""
