from .codec import (
    Event as Event,
    SampleEntry as SampleEntry,
    SamplesAskedAgain as SamplesAskedAgain,
    SessionEnded as SessionEnded,
    SessionStarted as SessionStarted,
)
from .dead_runs import close_dead_run as close_dead_run
from .folder import (
    MANIFEST as MANIFEST,
    RunFolder as RunFolder,
    is_run as is_run,
    new_run_id as new_run_id,
    readable_runs as readable_runs,
    run_folders as run_folders,
    sync_folder as sync_folder,
    write_whole as write_whole,
)
from .lease import (
    Lease as Lease,
    LeaseTakenError as LeaseTakenError,
    holder as holder,
    is_held as is_held,
    take_lease as take_lease,
)
from .lines import read_lines as read_lines, to_line as to_line
from .location import journal_folder as journal_folder
from .manifest import Manifest as Manifest
from .reader import (
    Corruption as Corruption,
    Fragment as Fragment,
    asked_again as asked_again,
    closed_samples as closed_samples,
    damaged_records as damaged_records,
    last_end as last_end,
    last_session as last_session,
    read_events as read_events,
    read_fragment as read_fragment,
    read_only as read_only,
    recorded_points as recorded_points,
    recover as recover,
)
from .samples import FinishedSample as FinishedSample, SampleAssembly as SampleAssembly
from .seal import seal as seal
from .verification import Verification as Verification, verify as verify
from .writer import RETRY_TIMEOUT as RETRY_TIMEOUT, JournalWriter as JournalWriter
