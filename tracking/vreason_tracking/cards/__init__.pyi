from .bill_of_materials import bill_of_materials as bill_of_materials
from .check import Claims as Claims, Mismatch as Mismatch, check as check, claims_of as claims_of
from .difference import (
    Difference as Difference,
    difference_table as difference_table,
    differences as differences,
    paired_verdict as paired_verdict,
)
from .entropy_curve import Curve as Curve, curve_svg as curve_svg
from .eval_results import (
    HubDataset as HubDataset,
    hub_names as hub_names,
    require_benchmarks as require_benchmarks,
    without_dataset as without_dataset,
)
from .evidence import FORMAT as FORMAT, Evidence as Evidence, Figure as Figure, RunFacts as RunFacts, VersionFacts as VersionFacts
from .folder_check import check_folder as check_folder
from .gathering import gather as gather
from .html_page import to_html as to_html
from .hub_folder import (
    hub_files as hub_files,
    hub_token as hub_token,
    push as push,
    require_repository as require_repository,
    write_files as write_files,
)
from .method_card import Setting as Setting
from .readme import BEGIN as BEGIN, END as END, hand_written as hand_written, to_readme as to_readme
from .service.api import make_card_api as make_card_api
from .service.application import make_card_application as make_card_application, make_card_service as make_card_service
from .service.index import CardIndex as CardIndex
from .service.pages import make_card_pages as make_card_pages
from .service.serving import serve_cards as serve_cards
from .sources import check_bundle as check_bundle, check_sources as check_sources
from .summary import SummarisedRun as SummarisedRun, Summary as Summary, finding as finding, own_run as own_run, summary_of as summary_of
from .versions import (
    card_files as card_files,
    register_with_card as register_with_card,
    store_card as store_card,
    stored_card as stored_card,
    stored_notes as stored_notes,
    stored_summary as stored_summary,
    version_evidence as version_evidence,
)
