from .clips import cache_folder as cache_folder, write_clip as write_clip
from .questions import KINDS as KINDS, DemoQuestion as DemoQuestion
from .seeds import rng_for as rng_for
from .world import DemoClip as DemoClip, sample_clip as sample_clip
