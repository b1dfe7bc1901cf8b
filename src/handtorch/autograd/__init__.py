"""Differentiation: the walk back through the graph, its switches, and the checks that hold gradients to the truth."""

from handtorch.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "engine": ["backward", "grad"],
        "anomaly": ["detect_anomaly", "set_detect_anomaly"],
        "drawing": ["draw"],
        "function": ["Function"],
        "gradcheck": ["gradcheck", "gradgradcheck"],
        "accounts": ["ledger"],
        "mode": [
            "enable_grad",
            "inference_mode",
            "is_grad_enabled",
            "is_inference_mode_enabled",
            "no_grad",
            "set_grad_enabled",
        ],
        "notes": ["recording"],
        "playback": ["replay"],
        "variable": ["Variable"],
    },
    submodules=["functional", "graph"],
)
