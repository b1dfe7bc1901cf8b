"""Ops by element: element types, Python numbers, in-place forms, and what is refused."""

import copy
import math
import pickle

import numpy as np
import pytest

import handtorch as ht
from handtorch.errors import DtypeError, RangeError, ShapeError

B = ht.tensor([True, False])
I = ht.tensor([3, -2])  # noqa: E741
I32 = I.int()
U = ht.tensor([250, 3], dtype=ht.uint8)
H = ht.tensor([1.5, -2.0], dtype=ht.float16)
F = ht.tensor([1.5, -2.0])
D = F.double()
C = ht.tensor([1 + 2j, 0j])

TYPES = {
    # whole numbers become floating point where the function needs it
    "ht.sqrt(I)": ht.float32,
    "ht.exp(B)": ht.float32,
    "I / 2": ht.float32,
    "I / H": ht.float16,
    "I32 / I": ht.float32,
    "I / ht.tensor(2.0, dtype=ht.float64)": ht.float64,
    "I / ht.tensor([2.0, 1.0], dtype=ht.float64)": ht.float64,
    "ht.atan2(I, H)": ht.float16,
    "ht.atan2(I, I)": ht.float32,
    "ht.copysign(B, -1)": ht.float32,
    "ht.xlogy(I, I)": ht.float32,
    "ht.ldexp(I, I)": ht.float32,
    "ht.lgamma(I)": ht.float32,
    "ht.erf(H)": ht.float16,
    "ht.special.zeta(I, 2.0)": ht.float32,
    "ht.float_power(I, 2)": ht.float64,
    "ht.float_power(C, 2)": ht.complex128,
    # and stay whole where it does not
    "ht.floor(I)": ht.int64,
    "ht.round(U)": ht.uint8,
    "I // 2": ht.int64,
    "I % 2": ht.int64,
    "ht.div(I, 2, rounding_mode='trunc')": ht.int64,
    "ht.square(U)": ht.uint8,
    "ht.square(B)": ht.int64,
    "ht.abs(I32)": ht.int32,
    "ht.sign(B)": ht.bool,
    "I ** 2": ht.int64,
    "B ** 2": ht.int64,
    "2 ** I32": ht.int32,
    "I ** 2.0": ht.float32,
    # Python numbers change the kind of a tensor's type, not its width
    "H + 1": ht.float16,
    "H * 2.5": ht.float16,
    "D * 2": ht.float64,
    "U + 1": ht.uint8,
    "U + 1.5": ht.float32,
    "B + 1": ht.int64,
    "B * 2.5": ht.float32,
    "F * 1j": ht.complex64,
    "D * 1j": ht.complex128,
    # so do tensors without dimensions
    "H + ht.tensor(1.0, dtype=ht.float64)": ht.float16,
    "U + ht.tensor(1)": ht.uint8,
    "U + ht.tensor(1.5, dtype=ht.float64)": ht.float64,
    "ht.where(ht.tensor(True), I, 1.5)": ht.float32,
    "ht.clamp(I, 0.5)": ht.float32,
    # tensors meet in the smallest type that holds both; of whole and floating point, in the floating point one
    "B + B": ht.bool,
    "B * U": ht.uint8,
    "U + ht.tensor([1], dtype=ht.int8)": ht.int16,
    "I + H": ht.float16,
    "H + F": ht.float32,
    "F + D": ht.float64,
    "F * C": ht.complex64,
    "D * C": ht.complex128,
    "ht.where(B, F, I)": ht.float32,
    "ht.maximum(F, I)": ht.float32,
    # of numbers alone
    "ht.where(B, 1, 2)": ht.int64,
    "ht.where(B, 1.0, 2)": ht.float32,
    # complex numbers have real parts
    "ht.abs(C)": ht.float32,
    "ht.angle(C)": ht.float32,
    "C.imag": ht.float32,
    "ht.complex(D, D)": ht.complex128,
    # truth values
    "F == 1": ht.bool,
    "ht.logical_and(F, C)": ht.bool,
    "ht.isnan(I)": ht.bool,
    "ht.signbit(B)": ht.bool,
}


@pytest.mark.parametrize("expression", TYPES)
def test_result_has_the_type_that_pytorch_documents(expression):
    assert eval(expression).dtype is TYPES[expression]


REFUSED = {
    "-B": DtypeError,
    "+B": DtypeError,
    "B - B": DtypeError,
    "1 - B": DtypeError,
    "F - B": DtypeError,
    "B % B": DtypeError,
    "F & F": DtypeError,
    "~F": TypeError,
    "F << 1": DtypeError,
    "ht.gcd(F, F)": DtypeError,
    "ht.floor(C)": DtypeError,
    "C < C": DtypeError,
    "ht.lerp(F, D, 0.5)": DtypeError,
    "ht.lerp(I, I, 0.5)": DtypeError,
    "ht.addcdiv(I, I, I)": DtypeError,
    "ht.isclose(F, D)": DtypeError,
    "ht.heaviside(F, D)": DtypeError,
    "ht.complex(F, D)": DtypeError,
    "ht.complex(I, I)": DtypeError,
    "ht.imag(F)": DtypeError,
    "ht.frexp(I)": DtypeError,
    "ht.where(I, F, F)": DtypeError,
    "ht.clamp(F)": DtypeError,
    "ht.add(I, 1, alpha=0.5)": DtypeError,
    "ht.add(F, 1, alpha=True)": DtypeError,
    "I ** -1": DtypeError,
    "I.clone().div_(2)": DtypeError,
    "I.clone().add_(1.5)": DtypeError,
    "I.clone().mul_(F)": DtypeError,
    "I // 0": RangeError,
    "I % ht.tensor([0, 1])": RangeError,
    "ht.div(F, 2, rounding_mode='up')": RangeError,
    "ht.isclose(F, F, rtol=-1)": RangeError,
    "ht.polygamma(-1, F)": RangeError,
    "ht.mvlgamma(F, 0)": RangeError,
    "F.clone().fill_(F)": ShapeError,
    "F + ht.ones(3)": ShapeError,
    "F.clone().add_(ht.ones(2, 2))": ShapeError,
    "F.to(memory_format=ht.channels_last)": ShapeError,
    "ht.maximum(F, 1)": TypeError,
    "ht.eq(1, F)": TypeError,
    "ht.bitwise_and(2, 3)": TypeError,
    "ht.add(F, 'a')": TypeError,
    "F + None": TypeError,
    "ht.where(B, F)": TypeError,
}


@pytest.mark.parametrize("expression", REFUSED)
def test_what_pytorch_refuses_is_refused_with_an_error_that_says_why(expression):
    with pytest.raises(REFUSED[expression]) as caught:
        eval(expression)
    assert len(str(caught.value)) > 10


VALUES = {
    # Python numbers that the type cannot hold wrap around
    "U + 300": [38, 47],
    "U * -1": [6, 253],
    "U.add(1, alpha=-1)": [249, 2],
    "U & -1": [250, 3],
    # whole powers
    "ht.tensor([1, -1, -1, 2, 0]) ** ht.tensor([-1, -1, -2, -1, -1])": [1, -1, 1, 0, 0],
    "2 ** I": [8, 0],
    "0.0 ** ht.tensor([0.0, 2.0])": [1, 0],
    # division
    "I // 2": [1, -1],
    "ht.div(I, 2, rounding_mode='trunc')": [1, -1],
    "ht.div(ht.tensor([-7, 7]), ht.tensor([2, -2]), rounding_mode='trunc')": [-3, -3],
    "ht.div(ht.tensor([-7, 7]), ht.tensor([2, -2]), rounding_mode='floor')": [-4, -4],
    "-7 % ht.tensor([3, -3])": [2, -1],
    "ht.fmod(ht.tensor([-7, 7]), ht.tensor([3, -3]))": [-1, 1],
    "F // 0": [math.inf, -math.inf],
    "ht.tensor([9007199254740993]) // 1": [9007199254740993],
    # rounding
    "ht.round(ht.tensor([0.5, 1.5, 2.5, -0.5]))": [0, 2, 2, 0],
    "ht.round(ht.tensor([1234.0, -15.0]), decimals=-2)": [1200, 0],
    # bits
    "I ^ 3": [0, -3],
    "1 | I": [3, -1],
    "~I": [-4, 1],
    "~B": [False, True],
    "1 << ht.tensor([3, 5])": [8, 32],
    "ht.tensor([-8, 8]) >> 1": [-4, 4],
    "ht.tensor([1], dtype=ht.int8) << 9": [0],
    # choosing
    "ht.clamp(F, ht.tensor(1.0), 0.5)": [0.5, 0.5],
    "F.clamp_max(0)": [0, -2],
    "ht.fmax(F, ht.tensor(math.nan))": [1.5, -2],
    "ht.nan_to_num(ht.tensor([math.nan, math.inf, 1]), nan=7, posinf=8)": [7, 8, 1],
    "F.where(B, ht.zeros(2))": [1.5, 0],
    "ht.where(U, F, 0.0)": [1.5, -2],
    "[x.tolist() for x in ht.where(ht.tensor([[True, False], [False, True]]))]": [[0, 1], [0, 1]],
    # order of former PyTorch
    "F.add(2, F)": [4.5, -6],
    "F.clone().addcmul_(2, F, F)": [6, 6],
    "F.clone().addcdiv_(2, F, F)": [3.5, 0],
    # truth
    "ht.equal(F, D)": True,
    "ht.equal(F, F[:1])": False,
    "ht.allclose(F, F + 1e-9)": True,
    "ht.isclose(ht.tensor([math.inf, math.nan]), ht.tensor([math.inf, math.nan]), equal_nan=True)": [True, True],
    "ht.isclose(ht.tensor([math.inf]), ht.tensor([1.0]))": [False],
    "ht.isclose(ht.tensor([2], dtype=ht.uint8), ht.tensor([3], dtype=ht.uint8))": [False],
    "F == 'a'": False,
    "F == None": False,
    "ht.logical_xor(B, I)": [False, True],
    # parts
    "ht.frexp(ht.tensor([6.0])).mantissa": [0.75],
    "ht.frexp(ht.tensor([6.0])).exponent": [3],
    "ht.heaviside(ht.tensor([-1.0, 0, 1]), ht.tensor([0.5]))": [0, 0.5, 1],
    "ht.angle(I)": [0, math.pi],
    # types
    "F.short()": [1, -2],
    "F.to(ht.int8, copy=True)": [1, -2],
    "F.to('cpu', ht.int64)": [1, -2],
    "F.to(I)": [1, -2],
    "C.type(ht.float32)": [1, 0],
    "F.type('torch.LongTensor')": [1, -2],
    "F.type()": "torch.FloatTensor",
    "I.clone().fill_(2.7)": [2, 2],
    "F.clone().fill_(I[0])": [3, 3],
    "F.clone().copy_(C)": [1, 0],
    "F.clone().apply_(lambda x: x * x)": [2.25, 4],
    "F.clone().map_(I, lambda x, y: x + y)": [4.5, -4],
    "ht.result_type(I, 1.5)": ht.float32,
    "ht.can_cast(ht.float64, ht.int64)": False,
    "ht.is_nonzero(ht.tensor([0.0]))": False,
}


@pytest.mark.parametrize("expression", VALUES)
def test_value(expression):
    got = eval(expression)
    got = got.tolist() if isinstance(got, ht.Tensor) else got
    if isinstance(got, list) and got and isinstance(got[0], float):
        assert got == pytest.approx(VALUES[expression], rel=1e-6)
    else:
        assert got == VALUES[expression]


IN_PLACE = [
    *("abs_", "absolute_", "arccos_", "clip_", "fix_", "multiply_", "negative_", "sub_", "subtract_", "true_divide_"),
    *("sgn_", "floor_divide_", "eq_", "less_"),
]


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_form_writes_what_the_plain_one_returns(name):
    x = ht.tensor([0.25, -0.5, 0.75])
    arguments = {
        "clip_": (0.0,),
        **dict.fromkeys(["multiply_", "sub_", "subtract_", "true_divide_", "floor_divide_", "eq_", "less_"], (0.25,)),
    }.get(name, ())
    want = getattr(x, name[:-1])(*arguments).float().tolist()
    before = x.array
    assert getattr(x, name)(*arguments) is x
    assert x.array is before and x.tolist() == want


def test_operators_that_write_keep_the_tensor_and_its_history():
    leaf = ht.tensor([2.0, 3.0]).requires_grad_()
    x = same = leaf * 1
    x *= leaf
    x -= 1
    x **= 2
    x /= 2
    assert x is same
    x.sum().backward()
    np.testing.assert_allclose(leaf.grad.array, [2 * 2 * (4 - 1), 2 * 3 * (9 - 1)])


def test_fill_sends_the_gradient_to_the_value_that_was_written():
    x, v = ht.ones(2, 3).requires_grad_(), ht.tensor(2.0).requires_grad_()
    y = x * 2
    y.fill_(v)
    y.sum().backward()
    assert v.grad.item() == 6 and x.grad.tolist() == [[0] * 3] * 2


def test_clamp_sends_the_gradient_to_the_bound_that_was_taken():
    x = ht.tensor([-2.0, 0.5, 2.0]).requires_grad_()
    low, high = ht.tensor(-1.0).requires_grad_(), ht.tensor(1.0).requires_grad_()
    ht.clamp(x, low, high).sum().backward()
    assert (x.grad.tolist(), low.grad.item(), high.grad.item()) == ([0, 1, 0], 1, 1)


def test_conversion_returns_the_tensor_itself_where_nothing_changes():
    assert F.float() is F and F.to(ht.float32) is F and F.to("cpu") is F and F.type_as(F) is F
    assert F.to(ht.float32, copy=True) is not F


def test_gradient_through_a_conversion_has_the_type_of_the_input():
    x = ht.ones(2).requires_grad_()
    (x.double() * 3).half().sum().backward()
    assert x.grad.dtype is ht.float32 and x.grad.tolist() == [3, 3]


def test_memory_formats_lay_elements_out_and_keep_their_order():
    images = ht.arange(24.0).reshape(1, 2, 3, 4)
    pixels_first = images.to(memory_format=ht.channels_last)
    assert pixels_first.stride() == (24, 1, 8, 2)
    assert ht.equal(images, pixels_first)
    assert images.to(memory_format=ht.contiguous_format) is images
    assert pixels_first.clone().stride() == (24, 1, 8, 2)
    assert pixels_first.clone(memory_format=ht.contiguous_format).stride() == (24, 12, 4, 1)


def test_memory_formats_and_layouts_survive_copying():
    for thing in (ht.channels_last, ht.strided):
        assert copy.deepcopy(thing) is thing and pickle.loads(pickle.dumps(thing)) is thing


def test_numpy_functions_of_tensors_are_handtorchs():
    x = ht.tensor([0.5, 1.5]).requires_grad_()
    y = np.exp(np.maximum(x, 1.0)) + np.where(x > 1, x, 0.0) + np.hypot(x, 2.0)
    y.sum().backward()
    want = [0.5 / np.hypot(0.5, 2), np.exp(1.5) + 1 + 1.5 / np.hypot(1.5, 2)]
    np.testing.assert_allclose(x.grad.array, want, rtol=1e-6)


def test_python_function_on_elements_refuses_a_gradient():
    with pytest.raises(ht.errors.GradientError):
        ht.ones(2).requires_grad_().apply_(lambda x: x)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("add", (F, 1)),
        ("exp", (F,)),
        ("maximum", (F, F)),
        ("where", (B, F, 0.0)),
        ("special.ndtr", (F,)),
        ("eq", (F, F)),
    ],
)
def test_function_writes_to_out_and_shapes_it(name, arguments):
    function = getattr(ht.special, name[8:]) if name.startswith("special") else getattr(ht, name)
    for out in (ht.zeros(2), ht.zeros(0)):
        assert function(*arguments, out=out) is out
        assert out.tolist() == function(*arguments).tolist()


def test_out_refuses_a_type_that_cannot_hold_the_result_and_a_gradient():
    with pytest.raises(DtypeError):
        ht.add(F, 1, out=ht.zeros(2, dtype=ht.int64))
    with pytest.raises(ht.errors.GradientError):
        ht.exp(ht.ones(2).requires_grad_(), out=ht.zeros(2))
    with pytest.raises(TypeError):
        F.exp(out=ht.zeros(2))
