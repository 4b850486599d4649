from .catalog import Catalog as Catalog, FoundRuns as FoundRuns
from .deletion import Deletion as Deletion
from .destinations import located as located
from .index import CatalogIndex as CatalogIndex, Sources as Sources
from .journal_check import check as check, chosen_folders as chosen_folders
from .journal_delivery import DeliveryOutcome as DeliveryOutcome, JournalDelivery as JournalDelivery, consign as consign
from .journal_status import JournalRow as JournalRow, journal_rows as journal_rows, journal_rows_of as journal_rows_of, totals as totals
from .local_run import LocalRun as LocalRun, local_runs as local_runs
from .lookup import require as require
from .reaping import reap_journal as reap_journal
from .recorded_samples import RecordedSample as RecordedSample, sample_of as sample_of, sample_tags_of as sample_tags_of
from .restoring import restore as restore
from .run import Run as Run
from .run_details import RunDetails as RunDetails, Session as Session, details_of as details_of
from .run_list import RunFilter as RunFilter, RunRow as RunRow, iso as iso, list_runs as list_runs, row_of as row_of
from .run_record import (
    SAMPLES as SAMPLES,
    STEPS as STEPS,
    RecordedRun as RecordedRun,
    described_run as described_run,
    recorded_runs as recorded_runs,
)
from .run_steps import SampleSteps as SampleSteps, steps_of as steps_of
from .store_check import (
    check_delivered as check_delivered,
    delivered_by_address as delivered_by_address,
    gone_from_store as gone_from_store,
    lost_here as lost_here,
    repair as repair,
)
from .stored_reports import StoredReport as StoredReport, stored_reports as stored_reports
from .stored_run import translate_store_errors as translate_store_errors
