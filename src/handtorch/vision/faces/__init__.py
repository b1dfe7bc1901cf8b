"""Photographs of people who do not exist, rendered from MakeHuman's head (CC0): no download, nobody's privacy.

===================  =======================================================================================
``GeneratedFaces``   the data set: ``train``, ``held_out``, ``val`` and ``test``, with people never seen before
``Recipe``           how many people and pictures it holds
``contact_sheet``    many pictures as one
``render``           one picture, of a person (``draw_person``) in a situation (``draw_sitting``)
``rasterise``        which triangle is seen in which pixel
===================  =======================================================================================

On the way there: ``assets`` reads the files, ``head`` is the mesh and the ways in which it moves, ``person`` draws what
is left to chance, ``hair`` and ``glasses`` give the head its outline, ``paint`` colours the surface, ``render`` lights
it, and ``corpus`` keeps the pictures.
"""

from handtorch.vision.faces.corpus import GeneratedFaces
from handtorch.vision.faces.head import Head, load_head
from handtorch.vision.faces.person import Person, Sitting, draw_person, draw_sitting
from handtorch.vision.faces.rasterise import rasterise
from handtorch.vision.faces.recipe import Recipe
from handtorch.vision.faces.render import render
from handtorch.vision.faces.sheet import contact_sheet

__all__ = [
    "GeneratedFaces",
    "Head",
    "Person",
    "Recipe",
    "Sitting",
    "contact_sheet",
    "draw_person",
    "draw_sitting",
    "load_head",
    "rasterise",
    "render",
]
