from .batch_engine import BatchEngine as BatchEngine
from .engine import Engine as Engine
from .request import EOS as EOS, LENGTH as LENGTH, STOP as STOP, Finished as Finished, Piece as Piece, Request as Request
from .text_stream import TextStream as TextStream
