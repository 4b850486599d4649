from .decoding import decode as decode
