from .api import make_api as make_api
from .application import make_card_application as make_card_application
from .index import CardIndex as CardIndex
from .pages import make_pages as make_pages
from .service import CardService as CardService
from .serving import serve_cards as serve_cards
from .staleness import RunState as RunState
