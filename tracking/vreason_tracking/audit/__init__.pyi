from .actions import ACTIONS as ACTIONS, LOCAL_PREFIX as LOCAL_PREFIX, REQUEST_PREFIX as REQUEST_PREFIX
from .adoption import (
    Adopted as Adopted,
    Handover as Handover,
    HandoverError as HandoverError,
    ProvedEntry as ProvedEntry,
    adopt as adopt,
    adopted as adopted,
    make_handover as make_handover,
    own_details as own_details,
)
from .checkpoints import Checkpoint as Checkpoint, CheckpointError as CheckpointError, read_checkpoint as read_checkpoint
from .database import AuditDatabase as AuditDatabase, local_uri as local_uri
from .destinations import read_kept as read_kept, send_checkpoint as send_checkpoint
from .entries import DONE as DONE, INTENT as INTENT, Entry as Entry, NewEntry as NewEntry
from .exporting import export_signed_part as export_signed_part, export_to as export_to
from .handing_over import hand_over as hand_over
from .journal_log import FILE as FILE, KEY_FILE as KEY_FILE, enter as enter, journal_log as journal_log
from .keys import (
    PublicKey as PublicKey,
    SigningKey as SigningKey,
    make_key as make_key,
    public_path as public_path,
    read_public_key as read_public_key,
    read_signing_key as read_signing_key,
)
from .log import AuditLog as AuditLog, Filter as Filter, timeline_of as timeline_of
from .merkle import (
    ProofError as ProofError,
    leaf_hash as leaf_hash,
    verify_consistency as verify_consistency,
    verify_inclusion as verify_inclusion,
)
from .tables import (
    METADATA as METADATA,
    NEWEST as NEWEST,
    SCHEMA as SCHEMA,
    VERSION as VERSION,
    VERSION_TABLE as VERSION_TABLE,
    protection as protection,
    unprotection as unprotection,
)
from .verification import (
    Verification as Verification,
    verify_export as verify_export,
    verify_lines as verify_lines,
    verify_log as verify_log,
)
