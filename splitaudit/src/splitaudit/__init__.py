"""Does an image data set leak? Finds test pictures that training has, as they are or transformed.

Example:
    >>> import splitaudit
    >>> report = splitaudit.audit("flowers/")
    >>> print(report.verdict)
"""

__version__ = "0.1.0"

from splitaudit.auditing import audit, audit_pictures
from splitaudit.collection import CleaningReport, Collection
from splitaudit.config import SearchConfig
from splitaudit.counts import LeakCounts
from splitaudit.errors import InputError
from splitaudit.pictures import Pictures
from splitaudit.read import read
from splitaudit.report import Report

__all__ = [
    "CleaningReport",
    "Collection",
    "InputError",
    "LeakCounts",
    "Pictures",
    "Report",
    "SearchConfig",
    "audit",
    "audit_pictures",
    "read",
]
