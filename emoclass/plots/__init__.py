"""Every figure. Each takes what it shows, an optional axis, and returns the axis or figure; none calls show()."""

from emoclass.plots.dataset import (  # noqa: F401
    counts,
    distances,
    gallery,
    mean_faces,
    occlusion,
    photos_per_subject,
    shares,
)
from emoclass.plots.evaluation import (  # noqa: F401
    confusion,
    differences,
    learning_curves,
    line_with_ci,
    measured_vs_formula,
    protocols,
    recalls,
    reliability,
    tradeoff,
)
from emoclass.plots.style import close, panels, use_style  # noqa: F401
