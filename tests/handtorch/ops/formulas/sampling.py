"""Independent formulas for ops/sampling.py."""

FORMULAS = {
    "Sampled": lambda op, *parameters: op.drawn,
}
