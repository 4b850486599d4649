from .batch_events import BatchEvents as BatchEvents
from .decoding import decode as decode
from .engine import (
    EOS as EOS,
    LENGTH as LENGTH,
    STOP as STOP,
    BatchEngine as BatchEngine,
    Engine as Engine,
    Finished as Finished,
    Piece as Piece,
    Request as Request,
)
from .sampling import sample_seed as sample_seed
