"""Probability distributions: sampling, densities, moments, divergences (``torch.distributions``).

``Normal(loc, scale).log_prob(x)`` has a gradient by the parameters, which is what policy gradients follow; where
``has_rsample`` is True, ``rsample()`` has one too, by which variational autoencoders learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handtorch.lazy import lazy_names

if TYPE_CHECKING:
    from handtorch.distributions import constraints, transforms
    from handtorch.distributions.bernoulli import Bernoulli
    from handtorch.distributions.beta import Beta
    from handtorch.distributions.categorical import Categorical
    from handtorch.distributions.distribution import Distribution
    from handtorch.distributions.kl import kl_divergence, register_kl
    from handtorch.distributions.normal import Normal
    from handtorch.distributions.uniform import Uniform

_TRANSFORMS = [
    "AbsTransform",
    "AffineTransform",
    "CatTransform",
    "ComposeTransform",
    "CumulativeDistributionTransform",
    "ExpTransform",
    "IndependentTransform",
    "LowerCholeskyTransform",
    "PowerTransform",
    "ReshapeTransform",
    "SigmoidTransform",
    "SoftmaxTransform",
    "SoftplusTransform",
    "StackTransform",
    "StickBreakingTransform",
    "TanhTransform",
    "Transform",
    "identity_transform",
]
_CONTENTS = {
    "bernoulli": ["Bernoulli"],
    "beta": ["Beta"],
    "binomial": ["Binomial"],
    "categorical": ["Categorical"],
    "cauchy": ["Cauchy"],
    "chi2": ["Chi2"],
    "constraint_registry": ["biject_to", "transform_to"],
    "dirichlet": ["Dirichlet"],
    "distribution": ["Distribution"],
    "exponential": ["Exponential"],
    "gamma": ["Gamma"],
    "geometric": ["Geometric"],
    "gumbel": ["Gumbel"],
    "half_normal": ["HalfNormal"],
    "independent": ["Independent"],
    "kl": ["kl_divergence", "register_kl"],
    "laplace": ["Laplace"],
    "log_normal": ["LogNormal"],
    "mixture_same_family": ["MixtureSameFamily"],
    "multinomial": ["Multinomial"],
    "multivariate_normal": ["MultivariateNormal"],
    "normal": ["Normal"],
    "one_hot_categorical": ["OneHotCategorical", "OneHotCategoricalStraightThrough"],
    "poisson": ["Poisson"],
    "relaxed_bernoulli": ["RelaxedBernoulli"],
    "relaxed_categorical": ["RelaxedOneHotCategorical"],
    "student_t": ["StudentT"],
    "transformed_distribution": ["TransformedDistribution"],
    "transforms": _TRANSFORMS,
    "uniform": ["Uniform"],
}
__getattr__, __dir__, _ = lazy_names(
    __name__,
    _CONTENTS,
    submodules={**{name: name for name in (*_CONTENTS, "constraints", "utils")}, "studentT": "student_t"},
)
__all__ = sorted(name for names in _CONTENTS.values() for name in names)
