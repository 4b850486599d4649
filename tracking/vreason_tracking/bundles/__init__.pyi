from .answers import Answered as Answered, as_data as as_data, error_data as error_data
from .bundle import BUNDLE as BUNDLE, CODE as CODE, FILE_NAME as FILE_NAME, WEIGHTS as WEIGHTS, Bundle as Bundle, read_bundle as read_bundle
from .call_settings import CallSettings as CallSettings, call_settings as call_settings
from .difference import Changed as Changed, VersionDifference as VersionDifference, difference as difference
from .loading import load_bundle_model as load_bundle_model
from .predictor import Predictor as Predictor, question_of as question_of
from .promotion import Gate as Gate, GateError as GateError, Gating as Gating, Promotion as Promotion, promote as promote
from .question_input import question_input as question_input
from .registering import (
    NotRegistrableError as NotRegistrableError,
    Registered as Registered,
    Registration as Registration,
    register as register,
)
from .registry import Reference as Reference, Registry as Registry, Version as Version
from .retirement import retire as retire
from .signing import CARD_FOLDER as CARD_FOLDER
from .verification import verify_version as verify_version
from .video_sources import VideoAccess as VideoAccess, VideoRefusedError as VideoRefusedError, video_file as video_file
