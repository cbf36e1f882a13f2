"""The way into a cluster of Amazon MSK: tokens signed by the identity of AWS's own chain."""

from collections.abc import Callable

_MILLISECONDS = 1000


def token_source(region: str) -> Callable[[str], tuple[str, float]]:
    """Give what librdkafka calls, in a thread of its own, whenever it needs a token.

    It answers with the token and the second of its expiry. What it raises, librdkafka takes for a
    refusal: the client is not opened then, or later tries again.
    """
    # Loading AWS's library takes time and memory that clusters elsewhere have no use for.
    from aws_msk_iam_sasl_signer import (  # type: ignore[import-untyped] # noqa: PLC0415
        MSKAuthTokenProvider,
    )

    def fetch_token(_configuration: str) -> tuple[str, float]:
        token, expires_at = MSKAuthTokenProvider.generate_auth_token(region)
        return token, expires_at / _MILLISECONDS

    return fetch_token
