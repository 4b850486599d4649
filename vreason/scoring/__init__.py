"""From a reply to an answer, and from an answer to a score."""
