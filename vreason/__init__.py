"""V-Reason: steer a video language model while it answers, without training (arXiv 2510.17045).

    model.generate(**inputs, custom_generate=vreason.decode, vreason=vreason.VReasonConfig.preset("v-reason"), max_new_tokens=1024)

Names are loaded when they are first used: settings, events and errors do not wait for torch. What the modules log, each under its own name,
is shown only by a program that asks for it.
"""

import logging

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

logging.getLogger(__name__).addHandler(logging.NullHandler())
