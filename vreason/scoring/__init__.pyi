from .answers import (
    extract_answer as extract_answer,
    extract_reasoning as extract_reasoning,
    scored_text as scored_text,
    split_reply as split_reply,
)
from .letters import letter_of as letter_of
from .numbers import number_of as number_of
from .profiles import load_scorer as load_scorer, score_sample as score_sample, scoring_issue as scoring_issue
from .reply_stream import ReplyStream as ReplyStream, split_text as split_text
from .scorers import PROFILES as PROFILES, score as score
