from .app import make_app as make_app
from .limits import ServingLimits as ServingLimits
from .recording import ServedRecording as ServedRecording
from .server import ServerSettings as ServerSettings, serve as serve
from .service import Service as Service
