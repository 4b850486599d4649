"""A sample's way through the method: frames, prompt, reply, score, and what went wrong."""
