from .answers import extract_answer as extract_answer, extract_reasoning as extract_reasoning
from .scorers import Profile as Profile, score as score
