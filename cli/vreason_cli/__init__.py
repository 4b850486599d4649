"""The handle: parses, calls, prints."""
