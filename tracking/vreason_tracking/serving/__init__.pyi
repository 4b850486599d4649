from .app import Service as Service, make_app as make_app
from .limits import ServingLimits as ServingLimits
from .recording import ServedRecording as ServedRecording
from .server import ServerSettings as ServerSettings, serve as serve
