from .evaluator import Evaluation as Evaluation, EvaluationConfig as EvaluationConfig
from .failure_signatures import ADVICE as ADVICE
