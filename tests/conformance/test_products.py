"""Products and norms where PyTorch's database does not look: element types, odd shapes, the class of each error."""

import numpy as np
import pytest
import torch

import handtorch


def given(framework):
    """The operands, by the letters that the programs use."""
    f = framework.tensor([[1.0, 2.0], [3.0, 4.0]])
    return {
        "m": framework,
        "n": framework.linalg,
        "e": framework.einsum,
        "linear": framework.nn.functional.linear,
        "b": framework.ones(2, 2, dtype=framework.bool),
        "i": framework.ones(2, 2, dtype=framework.int64),
        "i32": framework.ones(2, 2, dtype=framework.int32),
        "h": f.half(),
        "f": f,
        "d": f.double(),
        "z": framework.tensor([[1 + 2j, 2], [3, 4j]]),
        "f3": framework.arange(8.0).reshape(2, 2, 2),
        "three": framework.ones(3),
    }


PROGRAMS = """
b @ b; i @ f; f @ d; h @ h; z @ z; i @ i; f @ f[0]; f[0] @ f3; m.matmul(f, m.tensor(2.0)); m.matmul(f, 2)
m.mm(f, f[0]); m.bmm(f, f); m.bmm(f3, f3.double()); m.mv(f, f[0]); m.mv(b, b[0]); m.ones(0) @ m.ones(0)
m.addmm(i, i, i, alpha=0.5); m.addmm(f, d, d); m.addmm(three, f, f); m.addmm(f[None], f, f)
m.addmm(0.5, f, 2, f, f); f.clone().addmm_(1, -2, f, f); f[0].clone().addmm_(f, f); m.addmv(b[0], b, b[0])
m.addmv(f[0], f, f[0], beta=0.5); m.addr(b, b[0], b[0], beta=2); m.addr(f, i[0], i[0])
m.addr(i, i[0], i[0], alpha=0.5); m.addr(i, f[0], f[0]); m.addr(z, f[0], f[0], alpha=2j)
i.clone().addr_(f[0], f[0]); m.addbmm(f, m.ones(0, 2, 2), m.ones(0, 2, 2)); m.baddbmm(2, f3, 3, f3, f3)
m.addbmm(b, f3.bool(), f3.bool()); m.baddbmm(three, f3, f3); m.dot(b[0], b[0]); m.dot(i[0], f[0])
m.vdot(z[0], z[1]); m.dot(h[0], h[0]); m.outer(i[0], f[0]); m.outer(b[0], b[0]); m.inner(m.tensor(2), d)
m.inner(f, d); m.inner(f3, f); m.kron(i, f); m.kron(b, b); m.kron(f3, f); m.kron(f[0], f); m.trace(i32); m.trace(b)
m.trace(m.ones(0, 3)); m.cross(m.ones(1, 3), m.arange(9.0).reshape(3, 3)); m.cross(three, three.double())
m.cross(three.bool(), three.bool()); m.cross(m.ones(3, 3), m.ones(3, 2)); m.cross(f, f)
n.cross(m.ones(3, 2), m.ones(3, 2)); n.cross(three, m.ones(2, 3)); n.multi_dot([f[0], f, f[0]])
n.multi_dot([f, d]); n.vecdot(f, f[0]); n.vecdot(m.tensor(1.0), f); n.vecdot(f, three); n.vecdot(z, z, dim=0)
n.vecdot(i, i); n.vander(i32); n.vander(m.tensor(3.0), N=3); n.vander(f, N=1); m.vander(b[0], N=2)
m.vander(f[0], N=0); m.vander(f); m.matrix_power(i, 3); m.matrix_power(z, 0); m.matrix_power(f, 2.0)
m.matrix_exp(z); m.matrix_exp(i); m.matrix_exp(f3); m.tensordot(f, f, 0); m.tensordot(f3, f, ([2, 0], [0, 1]))
m.tensordot(f, f, m.tensor([[0], [1]])); m.tensordot(f, d, 1); m.tensordot(m.ones(1, 2), m.ones(3, 2), ([0], [0]))
m.tensordot(f, f, ([0, 0], [0, 1])); m.tensordot(f, f, -1); linear(f, f[0]); linear(i, i); linear(f, d)
linear(f, f, m.tensor(2.0)); linear(f, f, three); linear(f, f, d[0]); e("ij,jk", i, i); e("ij,jk", b, b)
e("ij,jk", f, i); e("i,i->i", i[0], f[0]); e("ij->", b); e("ij->", i32); e("i->i", i[0]); e("...,...", f, f[0])
e("ij,j->...ij", f, f[0]); e("Ba,bA", f, f); e(f, [0, ...], [...]); e("ij->i..", f); e("ij", f, f)
n.vector_norm(h); n.vector_norm(z, 1); n.vector_norm(f, dim=()); n.vector_norm(f, dim=(0, 0))
n.vector_norm(d, dtype=f.dtype); n.vector_norm(f, "fro"); n.vector_norm(m.tensor(-3.0), dim=0)
n.vector_norm(m.ones(0, 2), float("inf"), 0); n.vector_norm(f, dtype=z.dtype); n.matrix_norm(h, 1)
n.matrix_norm(z); n.matrix_norm(f3, -1, dim=(2, 0), keepdim=True); n.matrix_norm(f, 3); n.matrix_norm(f[0])
n.matrix_norm(f, dim=(0, 5)); n.matrix_norm(m.ones(2, 0), 1); n.norm(f3, dim=(0, 1)); n.norm(f3, 2)
n.norm(f[0], "fro"); n.norm(f, 1, dim=(0,)); n.norm(m.tensor(3.0), 1); m.norm(z, dtype=d.dtype); m.norm(i)
"""


def outcome(framework, program):
    try:
        return eval(program, given(framework))
    except Exception as error:
        return error


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "program", [program.strip() for program in PROGRAMS.replace("\n", ";").split(";") if program.strip()]
)
def test_result_or_error_is_pytorchs(program):
    theirs, ours = outcome(torch, program), outcome(handtorch, program)
    if isinstance(theirs, Exception):
        expected = RuntimeError if isinstance(theirs, NotImplementedError) else type(theirs)
        assert isinstance(ours, expected), f"expected {theirs!r}, got {ours!r}"
        return
    assert not isinstance(ours, Exception), f"expected {theirs!r}, got {ours!r}"
    assert str(ours.dtype).split(".")[-1] == str(theirs.dtype).split(".")[-1]
    assert tuple(ours.shape) == tuple(theirs.shape)
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-5)


def test_the_arguments_have_pytorchs_names():
    for framework in (torch, handtorch):
        f = framework.ones(2, 2)
        results = [
            framework.dot(input=f[0], tensor=f[0]),
            framework.outer(input=f[0], vec2=f[0]),
            framework.inner(input=f, other=f),
            framework.mv(input=f, vec=f[0]),
            framework.matrix_power(input=f, n=2),
            framework.vander(x=f[0], N=2, increasing=True),
            framework.tensordot(a=f, b=f, dims=1),
            framework.linalg.multi_dot(tensors=[f, f]),
            framework.linalg.vecdot(x=f, y=f, dim=0),
            framework.linalg.vander(x=f, N=2),
            framework.linalg.diagonal(A=f, offset=1, dim1=0, dim2=1),
            framework.linalg.matrix_norm(input=f, ord=1, dim=(0, 1), keepdim=True, dtype=f.dtype),
            framework.linalg.vector_norm(x=f, ord=1, dim=0, keepdim=True, dtype=f.dtype),
            framework.linalg.norm(input=f, ord=1, dim=0, keepdim=True, dtype=f.dtype),
            framework.matmul(f, f, out=framework.empty(2, 2)),
            framework.linalg.norm(f, out=framework.empty(())),
        ]
        assert all(float(x.sum()) > 0 for x in results)
