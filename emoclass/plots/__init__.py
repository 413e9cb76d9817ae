"""Every figure. Each takes what it shows, an optional axis, and returns the axis or figure; none calls show()."""

from emoclass.plots.dataset import (  # noqa: F401
    counts,
    distances,
    filters,
    gallery,
    mean_faces,
    occlusion,
    photos_per_subject,
    shares,
)
from emoclass.plots.evaluation import (  # noqa: F401
    bars,
    by_epoch,
    confusion,
    differences,
    learning_curves,
    line_with_ci,
    measured_vs_formula,
    nets_by_macs,
    protocols,
    recalls,
    reliability,
    tradeoff,
)
from emoclass.plots.style import close, panels, use_style  # noqa: F401
