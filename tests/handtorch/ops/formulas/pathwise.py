"""Independent formulas for ops/pathwise.py: the slopes by adaptive quadrature on the axis of the numbers themselves."""

import numpy as np
from scipy.integrate import quad
from scipy.special import betaln, digamma, gammaln


def _slope(log_density, score, x, highest):
    """dx/dθ = ∫ score(t) density(t) / density(x) dt over t > x; or, with the other sign, over t < x."""

    def integrand(t):
        return score(t) * np.exp(log_density(t) - log_density(x))

    top = min(highest, 200.0)
    rising = quad(integrand, x, top, epsabs=0, epsrel=1e-13, limit=500, full_output=1)
    falling = quad(integrand, 0, x, epsabs=0, epsrel=1e-13, limit=500, full_output=1)
    return rising[0] if rising[1] < falling[1] else -falling[0]


@np.vectorize
def _gamma_slope(alpha, x):
    return _slope(
        lambda t: (alpha - 1) * np.log(t) - t - gammaln(alpha), lambda t: np.log(t) - digamma(alpha), x, np.inf
    )


@np.vectorize
def _beta_slope(x, alpha, total):
    beta = total - alpha
    slope = _slope(
        lambda t: (alpha - 1) * np.log(t) + (beta - 1) * np.log1p(-t) - betaln(alpha, beta),
        lambda t: np.log(t) - digamma(alpha) + digamma(total),
        x,
        1.0,
    )
    return slope / (1 - x)


FORMULAS = {
    "GammaSlope": lambda op, alpha, x: _gamma_slope(alpha, x),
    "BetaSlope": lambda op, x, alpha, total: _beta_slope(x, alpha, total),
    "GammaDraw": lambda op, alpha: op.drawn,
    "DirichletDraw": lambda op, alpha: op.drawn,
}
