from .log_file import LogFile as LogFile, environment_log_file as environment_log_file, inherited_environment as inherited_environment
from .log_handling import RedactingFormatter as RedactingFormatter, handling as handling
