"""An independent formula for every op: SciPy, brute force, or NumPy by another way than the op goes.

``FORMULAS[name](op, *inputs)`` gives the result that the op's forward must have; each family's are in the file of the
family's name.
"""

import importlib
import pkgutil

FORMULAS = {
    name: formula
    for module in pkgutil.iter_modules(__path__)
    for name, formula in importlib.import_module(f"{__name__}.{module.name}").FORMULAS.items()
}
