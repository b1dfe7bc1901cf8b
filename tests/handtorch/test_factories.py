"""Making tensors: types that are inferred, memory that is shared, and what is refused."""

import pickle

import numpy as np
import pytest

import handtorch
from handtorch.errors import DtypeError, ShapeError


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1, "int64"),
        (1.5, "float32"),
        (True, "bool"),
        (1j, "complex64"),
        ([], "float32"),
        ([1, 2.5], "float32"),
        ([True, 2], "int64"),
        ([1, 1j], "complex64"),
        (range(3), "int64"),
        (np.float64(1), "float64"),
        ([np.float32(1), 2.5], "float32"),
        ([np.int8(1)], "int8"),
        (np.zeros(2, np.int16), "int16"),
        (np.zeros(2, ">f4"), "float32"),
        ([[1, 2], [3, 4]], "int64"),
    ],
    ids=repr,
)
def test_types_are_inferred_from_what_is_there(data, dtype):
    x = handtorch.tensor(data)
    assert x.dtype is getattr(handtorch, dtype)
    np.testing.assert_array_equal(x.array, np.array(data))


def test_tensors_inside_sequences_meet_in_their_types():
    assert handtorch.tensor([handtorch.tensor(1), 2.5]).dtype is handtorch.float32
    assert handtorch.tensor([handtorch.tensor(1.0), handtorch.tensor(2.0).double()]).dtype is handtorch.float64


@pytest.mark.parametrize(
    ("data", "options", "error"),
    [
        ([[1], [2, 3]], {}, ValueError),
        (2**63, {}, ValueError),
        ("a", {}, TypeError),
        (["a"], {}, ValueError),
        (None, {}, RuntimeError),
        (300, {"dtype": handtorch.uint8}, RuntimeError),
        (float("inf"), {"dtype": handtorch.int64}, RuntimeError),
        (np.array(["a"]), {}, TypeError),
        (1.0, {"device": "cuda"}, RuntimeError),
    ],
    ids=repr,
)
def test_what_is_no_number_of_the_type_is_refused(data, options, error):
    with pytest.raises(error):
        handtorch.tensor(data, **options)


def test_data_is_copied_by_tensor_and_shared_by_the_others():
    array = np.zeros(3)
    copy = handtorch.tensor(array)
    shared = [handtorch.from_numpy(array), handtorch.as_tensor(array), handtorch.asarray(array)]
    shared += [handtorch.from_dlpack(array), handtorch.frombuffer(array.data, dtype=handtorch.float64)]
    array[0] = 7
    assert copy[0] == 0
    assert all(x[0] == 7 for x in shared)
    assert handtorch.asarray(array, copy=True).data_ptr() != shared[0].data_ptr()


def test_memory_goes_to_other_libraries_without_a_copy():
    x = handtorch.arange(3.0)
    taken = np.from_dlpack(x)
    x[0] = 7
    assert taken[0] == 7
    assert x.__dlpack_device__() == (1, 0)
    with pytest.raises(BufferError, match="detach"):
        np.from_dlpack(x.requires_grad_())


def test_arrays_that_run_backwards_or_in_foreign_bytes_are_not_shared():
    for array in (np.zeros(3)[::-1], np.zeros(3, ">f8")):
        with pytest.raises(ValueError, match=r"copy|astype"):
            handtorch.from_numpy(array)


def test_every_factory_takes_a_shape_in_each_form_and_the_common_keywords():
    for make in (handtorch.zeros, handtorch.ones, handtorch.empty):
        for x in (make(2, 3), make((2, 3)), make([2, 3]), make(size=(2, 3)), make(handtorch.Size([2, 3]))):
            assert x.shape == (2, 3) and x.dtype is handtorch.float32
        x = make(2, dtype=handtorch.float64, device="cpu", requires_grad=True, layout=handtorch.strided)
        assert x.dtype is handtorch.float64 and x.requires_grad
        out = handtorch.empty(0, dtype=handtorch.float64)
        assert make(2, out=out) is out and out.shape == (2,) and out.dtype is handtorch.float64
        with pytest.raises(TypeError, match="unexpected keyword"):
            make(2, colour=3)
        with pytest.raises(ShapeError, match="negative"):
            make(-1)
        with pytest.raises(TypeError):
            make(2.5)


def test_likenesses_keep_shape_and_type():
    x = handtorch.zeros(2, 3, dtype=handtorch.int16)
    assert handtorch.full_like(x, 7).tolist() == [[7] * 3] * 2
    for y in (
        handtorch.zeros_like(x),
        handtorch.ones_like(x),
        handtorch.empty_like(x),
        x.new_zeros(2, 3),
        x.new_ones((2, 3)),
    ):
        assert y.shape == (2, 3) and y.dtype is handtorch.int16
    assert x.new_full((2,), 5).tolist() == [5, 5] and x.new_tensor([1.7]).tolist() == [1]
    assert handtorch.full((2,), True).dtype is handtorch.bool
    with pytest.raises(DtypeError, match="without overflow"):
        handtorch.full_like(x, 1e9)


def test_rows_of_numbers_meet_their_ends():
    for start, end, steps in ((0, 1, 11), (-3.3, 7.1, 50), (5, -5, 7), (2, 9, 1)):
        x = handtorch.linspace(start, end, steps, dtype=handtorch.float64)
        np.testing.assert_allclose(x.array, np.linspace(start, end, steps), rtol=1e-14, atol=1e-15)
        assert x[0] == start and (steps == 1 or x[-1] == end)
    np.testing.assert_allclose(handtorch.logspace(0, 3, 4).array, [1, 10, 100, 1000], rtol=1e-6)
    assert handtorch.linspace(0, 10, 5, dtype=handtorch.int64).tolist() == [0, 2, 5, 7, 10]


@pytest.mark.parametrize("arguments", [(5,), (2, 7), (7, 2, -2), (0.5, 3), (0, 1, 0.3), (3, 3)], ids=repr)
def test_counting_agrees_with_numpy(arguments):
    x = handtorch.arange(*arguments)
    np.testing.assert_allclose(x.array, np.arange(*arguments), rtol=1e-6)
    assert x.dtype is (handtorch.int64 if all(isinstance(n, int) for n in arguments) else handtorch.float32)


@pytest.mark.parametrize("arguments", [(0, 5, 0), (0, 5, -1), (0, float("inf"))], ids=repr)
def test_rows_that_would_not_end_are_refused(arguments):
    with pytest.raises(RuntimeError):
        handtorch.arange(*arguments)


def test_memory_of_a_chosen_layout():
    assert handtorch.empty_strided((2, 3), (1, 2)).stride() == (1, 2)
    assert handtorch.empty_permuted((2, 3, 5), (0, 2, 1)).stride() == (15, 1, 3)


def test_every_kind_of_device_has_a_name_and_only_the_cpu_holds_tensors():
    cuda = handtorch.device("cuda:1")
    assert (cuda.type, cuda.index, str(cuda)) == ("cuda", 1, "cuda:1")
    assert handtorch.device(0) == handtorch.device("cuda", 0) == pickle.loads(pickle.dumps(handtorch.device("cuda:0")))
    assert handtorch.zeros(1).device == handtorch.device("cpu") != cuda
    for attempt in (lambda: handtorch.zeros(1, device=cuda), lambda: handtorch.zeros(1).to(cuda)):
        with pytest.raises(RuntimeError, match="Handtorch computes on the CPU"):
            attempt()
    with pytest.raises(RuntimeError, match="start of device string"):
        handtorch.device("gpu")


def test_pythons_own_types_name_element_types_everywhere():
    x = handtorch.ones(2)
    assert x.to(int).dtype is handtorch.int64
    assert x.to(dtype=float).dtype is handtorch.float64
    assert handtorch.as_tensor(x, dtype=bool).dtype is handtorch.bool
    assert x.sum(dtype=complex).dtype is handtorch.complex128
    assert handtorch.zeros(2, dtype=int).dtype is handtorch.int64
    for other in (str, "float32", np.float32):
        with pytest.raises(TypeError, match="dtype must be one such as"):
            x.to(dtype=other)
