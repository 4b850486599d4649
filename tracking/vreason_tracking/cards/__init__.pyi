from .check import Claims as Claims, Mismatch as Mismatch, check as check, claims_of as claims_of
from .evidence import FORMAT as FORMAT, Evidence as Evidence, Figure as Figure, RunFacts as RunFacts, gather as gather
from .html_page import to_html as to_html
from .method_card import Setting as Setting
from .readme import BEGIN as BEGIN, END as END, hand_written as hand_written, to_readme as to_readme
from .sources import check_sources as check_sources
