"""Calls drawn at random, made by PyTorch and by Handtorch: ``python -m tests.conformance.fuzz --count 2000``.

``draw.py`` throws the dice (lengths, element types, layouts of memory, settings), ``families.py`` draws the calls of
each family of functions and layers, ``hold.py`` makes a call in both and holds the outcomes together: results or the
kind of error, gradients, gradients of gradients, state. A call follows from seed, family and number, so it can be made
again.
"""
