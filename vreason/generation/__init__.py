"""The decoding loop: what happens at each generated token, and the record of it."""
