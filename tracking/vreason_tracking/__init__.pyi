from .running import record as record
