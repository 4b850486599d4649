from .answers import extract_answer as extract_answer, extract_reasoning as extract_reasoning
from .profiles import load_scorer as load_scorer, score_sample as score_sample, scoring_issue as scoring_issue
from .scorers import PROFILES as PROFILES, score as score
