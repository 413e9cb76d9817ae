"""Every figure.

Each takes what it shows, an optional axis, and returns the axis or figure; none calls show().
"""

# ruff: noqa: F401
from emoclass.plots.dataset import (
    counts,
    distances,
    gallery,
    mean_faces,
    occlusion,
    photos_per_subject,
    shares,
)
from emoclass.plots.estimates import (
    before_and_after,
    by_seed,
    differences,
    gains_and_losses,
    leak_decomposition,
    line_with_ci,
    measured_vs_formula,
)
from emoclass.plots.evaluation import (
    confusion,
    learning_curves,
    protocols,
    recalls,
    reliability,
)
from emoclass.plots.hero import hero
from emoclass.plots.style import close, panels, use_style
from emoclass.plots.trade import trade_curves
