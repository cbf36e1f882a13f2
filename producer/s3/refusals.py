"""What S3, STS and their clients say when they refuse, translated into reasons by table.

A code that no row names is an `UNKNOWN_REFUSAL`, which is not tried again for ever; a row is
added when it is known whether the refusal may pass. Where S3 names a code for a state of affairs,
the code decides and not the HTTP status.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from botocore import exceptions as botocore_exceptions
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from producer.contract.objects import Reason
from producer.s3.object_store import ObjectStoreRefusedError

_MESSAGE_LENGTH_MAX = 300
_TOO_MANY_REQUESTS = 429
_SERVER_ERRORS_FROM = 500

_REASON_OF_CODE: Final[Mapping[str, Reason]] = {
    # The policies of the role, the bucket or the organisation do not allow it; they may be
    # changed.
    "AccessDenied": Reason.ACCESS_DENIED,
    "AllAccessDisabled": Reason.ACCESS_DENIED,
    "AccountProblem": Reason.ACCESS_DENIED,
    # The credentials themselves are refused: revoked, deleted, or of a session that has ended.
    "ExpiredToken": Reason.ACCESS_DENIED,
    "InvalidAccessKeyId": Reason.ACCESS_DENIED,
    "InvalidClientTokenId": Reason.ACCESS_DENIED,
    "InvalidToken": Reason.ACCESS_DENIED,
    "SignatureDoesNotMatch": Reason.ACCESS_DENIED,
    "TokenRefreshRequired": Reason.ACCESS_DENIED,
    # No such bucket exists, or can exist; it may be created again.
    "InvalidBucketName": Reason.BUCKET_GONE,
    "NoSuchBucket": Reason.BUCKET_GONE,
    # Deleted between the listing and the read.
    "NoSuchKey": Reason.OBJECT_GONE,
    "NoSuchVersion": Reason.OBJECT_GONE,
    # Another version has taken the place of the one asked for with If-Match.
    "PreconditionFailed": Reason.ETAG_CHANGED,
    # In an archive class and not restored; it can be restored.
    "InvalidObjectState": Reason.ARCHIVED,
    # The bucket lives elsewhere and the redirection could not be followed.
    "AuthorizationHeaderMalformed": Reason.WRONG_REGION,
    "IllegalLocationConstraintException": Reason.WRONG_REGION,
    "PermanentRedirect": Reason.WRONG_REGION,
    "RegionDisabledException": Reason.WRONG_REGION,
    "TemporaryRedirect": Reason.WRONG_REGION,
    # Signatures are bound to the time; this machine's clock is minutes away from AWS's.
    "RequestExpired": Reason.CLOCK_SKEW,
    "RequestTimeTooSkewed": Reason.CLOCK_SKEW,
    # S3 or STS asks for fewer requests.
    "RequestLimitExceeded": Reason.THROTTLED,
    "ServiceUnavailable": Reason.THROTTLED,
    # What is asked with HEAD is answered without a body, and the status takes the code's place.
    "503": Reason.THROTTLED,
    "SlowDown": Reason.THROTTLED,
    "Throttling": Reason.THROTTLED,
    "ThrottlingException": Reason.THROTTLED,
    "TooManyRequestsException": Reason.THROTTLED,
    # KMS asks for fewer requests; all its other refusals are about the key.
    "KMS.ThrottlingException": Reason.THROTTLED,
    # A fault on the other side or on the way there.
    "InternalError": Reason.UNAVAILABLE,
    "RequestTimeout": Reason.UNAVAILABLE,
}

# Some codes stand for more than one state of affairs, which only the message tells.
_REASON_OF_MESSAGE: Final = (
    # S3 reports what KMS denies under its own code; the message names the action.
    ("AccessDenied", "kms:", Reason.KEY_DENIED_BY_KMS),
    ("InvalidRequest", "Server Side Encryption", Reason.CUSTOMER_KEY_NEEDED),
    # So STS says what S3 calls `RequestTimeTooSkewed`.
    ("SignatureDoesNotMatch", "Signature expired", Reason.CLOCK_SKEW),
    ("SignatureDoesNotMatch", "Signature not yet current", Reason.CLOCK_SKEW),
)
# The parameter of STS, in lower case.
_EXTERNAL_ID: Final = "externalid"

_UNAVAILABLE: Final = (
    botocore_exceptions.HTTPClientError,
    botocore_exceptions.ConnectionError,
    botocore_exceptions.IncompleteReadError,
    # Something in between answered with what is not S3's.
    ResponseParserError,
)

_NO_IDENTITY: Final = (
    botocore_exceptions.NoCredentialsError,
    botocore_exceptions.PartialCredentialsError,
    botocore_exceptions.CredentialRetrievalError,
    botocore_exceptions.TokenRetrievalError,
    botocore_exceptions.SSOError,
)

_REMEDY: Final[Mapping[Reason, str]] = {
    Reason.ACCESS_DENIED: "allow s3:ListBucket on the bucket and s3:GetObject on its objects",
    Reason.AMBIENT_CREDENTIALS_REFUSED: "give it a role, or let it use the stage's own identity "
    "with OPENAI_COMPLIANCE_ALLOW_AMBIENT_CREDENTIALS=true",
    Reason.ARCHIVED: "restore the object",
    Reason.BUCKET_GONE: "correct the source's bucket, or create it",
    Reason.CUSTOMER_KEY_NEEDED: "store the object without a key of your own (SSE-C)",
    Reason.DIRECTORY_BUCKET: "use a general purpose bucket",
    Reason.ENDPOINT_REFUSED: "take the endpoint out of the source, or list its host in "
    "OPENAI_COMPLIANCE_S3__ALLOWED_ENDPOINT_HOSTS",
    Reason.EXTERNAL_ID_REJECTED: "correct the source's external id",
    Reason.CLOCK_SKEW: "set this machine's clock",
    Reason.KEY_DENIED_BY_KMS: "allow kms:Decrypt on the key to the role",
    Reason.ROLE_NOT_ASSUMABLE: "check the role's trust policy and its external id",
    Reason.WRONG_REGION: "correct the source's region",
}


# S3 does not take these credentials, whatever they are asked for: others may be taken.
_CREDENTIALS_REFUSED: Final = frozenset(
    {
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "TokenRefreshRequired",
    }
)


class CredentialsRefusedError(ObjectStoreRefusedError):
    """The credentials are not good, or not any more."""


def refused(reason: Reason, what: str) -> ObjectStoreRefusedError:
    """Build the refusal: what happened and, where it is known, what to do about it."""
    remedy = _REMEDY.get(reason)
    return ObjectStoreRefusedError(reason=reason, detail=f"{what}; {remedy}" if remedy else what)


@contextmanager
def translated(asked: str, *, secret: str | None = None) -> Iterator[None]:
    """Turn what the AWS clients raise in the block into a refusal of what was asked."""
    try:
        yield
    except ClientError as error:
        reason, code, why = _of_answer(error)
        refusal = refused(reason, f"{asked}: {_without(secret, why)}")
        if code in _CREDENTIALS_REFUSED:
            refusal = CredentialsRefusedError(reason=reason, detail=refusal.detail)
        raise refusal from error
    except (BotoCoreError, ResponseParserError) as error:
        reason = _of_client(error)
        raise refused(reason, f"{asked}: {_without(secret, str(error))}") from error
    except (KeyError, TypeError, ValueError) as error:
        # What the clients raise where an answer is well formed and lacks what S3's always has: a
        # proxy's page, a header of another form. One source's answers must not stop the others.
        what = f"{asked}: the answer is none of S3's ({type(error).__name__})"
        raise refused(Reason.UNAVAILABLE, what) from error
    except RuntimeError as error:
        # botocore has no class of its own for credentials that are expired when they arrive.
        raise refused(Reason.CLOCK_SKEW, f"{asked}: {error}") from error


@contextmanager
def translated_for_role(asked: str, *, secret: str | None) -> Iterator[None]:
    """Translate for STS, where a refusal of any kind means that the role cannot be assumed."""
    try:
        with translated(asked, secret=secret):
            yield
    except ObjectStoreRefusedError as refusal:
        if refusal.reason in {Reason.CLOCK_SKEW, Reason.THROTTLED, Reason.UNAVAILABLE}:
            raise
        what = refusal.detail.partition(";")[0]
        # Where the id is not the role's, STS denies without saying so.
        names_id = _EXTERNAL_ID in str(refusal.__cause__).lower()
        reason = Reason.EXTERNAL_ID_REJECTED if names_id else Reason.ROLE_NOT_ASSUMABLE
        raise refused(reason, what) from refusal.__cause__


def _of_answer(error: ClientError) -> tuple[Reason, str, str]:
    code = error.response.get("Error", {}).get("Code") or "no code"
    message = error.response.get("Error", {}).get("Message") or "no message"
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return _reason(code, message, status), code, f"{code} (HTTP {status}), {message}"


def _reason(code: str, message: str, status: int) -> Reason:
    for of_code, part, reason in _REASON_OF_MESSAGE:
        if code == of_code and part in message:
            return reason
    if code in _REASON_OF_CODE:
        return _REASON_OF_CODE[code]
    if code.startswith("KMS."):
        return Reason.KEY_DENIED_BY_KMS
    if status == _TOO_MANY_REQUESTS:
        return Reason.THROTTLED
    if status >= _SERVER_ERRORS_FROM:
        return Reason.UNAVAILABLE
    return Reason.UNKNOWN_REFUSAL


def _of_client(error: Exception) -> Reason:
    if isinstance(error, _UNAVAILABLE):
        return Reason.UNAVAILABLE
    if isinstance(error, _NO_IDENTITY):
        return Reason.ACCESS_DENIED
    if isinstance(error, botocore_exceptions.InvalidRegionError):
        return Reason.WRONG_REGION
    if isinstance(error, botocore_exceptions.ParamValidationError):
        # Keys are of any kind; no bucket can have such a name.
        return Reason.BUCKET_GONE
    return Reason.UNKNOWN_REFUSAL


def _without(secret: str | None, text: str) -> str:
    if secret:
        text = text.replace(secret, "***")
    return " ".join(text.split()).rstrip(".")[:_MESSAGE_LENGTH_MAX]
