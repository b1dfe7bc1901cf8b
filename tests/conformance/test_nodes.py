"""Nodes have PyTorch's names, trees and batches its results: where no database looks."""

import importlib

import numpy as np
import pytest
import torch

import handtorch

FRAMEWORKS = (handtorch, torch)

EXPRESSIONS = """
x+x; x*2; x/x; -x; x.exp(); x.sqrt(); x.tanh(); x.sigmoid(); x.abs(); x**2; x.sum(); x.sum(1); x.mean();
x.mean((0,1)); x.max(); x.max(1)[0]; x.min(0)[0]; x.amax(1); x.prod(); x.prod(1); x.std(); x.var(0); x.norm();
x.logsumexp(1); x.cumsum(0); x.view(-1); x.reshape(4,6); x.flatten(1); x.permute(2,0,1); x.transpose(0,1);
x.expand(2,2,3,4); x.repeat(1,1,2); x.flip(0); x[0]; x[:,1:]; x[...,None]; x[:,[0,1]]; x[x>0]; x.select(1,0);
x.narrow(1,0,1); x.diagonal(); x.tril(); x.unbind()[0]; x.split(1)[0]; x.chunk(2)[1]; t.cat([x,x]);
t.stack([x,x]); x.clone(); x.double(); x.clamp(0,1); x.masked_fill(x>0,0); t.where(x>0,x,x*2); x.softmax(1);
x.log_softmax(1); x@x.mT; t.mm(x[0],x[1].mT); x[0,0]@x[0,0]; x[0]@x[0,0]; F.linear(x[0],w,b); F.linear(x[0],w);
F.linear(x,w,b); F.linear(x,w); F.relu(x); F.gelu(x); F.silu(x); F.elu(x); F.glu(x); F.leaky_relu(x);
F.softplus(x); F.hardtanh(x); F.dropout(x); F.layer_norm(x,(4,)); F.group_norm(x,1); F.pad(x,(1,1));
F.batch_norm(x,None,None,training=True); F.mse_loss(x,x*2); F.l1_loss(x,x*2); F.l1_loss(x,x*2,reduction='sum');
F.smooth_l1_loss(x,x*2); F.huber_loss(x,x*2); F.cross_entropy(x[0],k); F.nll_loss(x[0],k); F.embedding(k,x[0]);
F.binary_cross_entropy_with_logits(x,x.detach()); x.clone().mul_(2)
"""


def name_in(framework, expression):
    F = importlib.import_module(f"{framework.__name__}.nn.functional")
    x = framework.full((2, 3, 4), 0.5, requires_grad=True)
    scope = {"t": framework, "F": F, "x": x, "w": framework.ones(5, 4), "b": framework.ones(5)}
    result = eval(expression, {**scope, "k": framework.tensor([0, 1, 2])})
    return result.grad_fn.name().removesuffix(">"), repr(result).rpartition("grad_fn=")[2]


@pytest.mark.parametrize("expression", [text.strip() for text in EXPRESSIONS.split(";")])
def test_a_node_has_pytorchs_name(expression):
    ours, theirs = (name_in(framework, expression) for framework in FRAMEWORKS)
    assert ours == theirs


def test_trees_are_taken_apart_in_the_same_order():
    tree = {"b": [1, (2, None)], "a": {"z": 3, "y": ()}}
    specs = []
    for framework in FRAMEWORKS:
        pytree = importlib.import_module(f"{framework.__name__}.utils._pytree")
        leaves, spec = pytree.tree_flatten(tree)
        specs.append((leaves, repr(spec), pytree.tree_map(lambda leaf: [leaf], tree)))
    assert specs[0] == specs[1]


@pytest.mark.parametrize(("in_dims", "out_dims"), [(0, 0), ((0, None), 1), ((1, 0), -1), ((None, 1), 0)])
def test_vmap_gives_the_same_batches(in_dims, out_dims):
    a, b = np.arange(9.0).reshape(3, 3), np.arange(9.0, 18).reshape(3, 3)
    results = [
        framework.vmap(lambda x, y: x * 2 + y.sum(), in_dims, out_dims)(
            framework.from_numpy(a), framework.from_numpy(b)
        )
        for framework in FRAMEWORKS
    ]
    np.testing.assert_array_equal(results[0].numpy(), results[1].numpy())
