"""What Orderflow promises beyond the checks of Schemathesis itself."""

import re
from urllib.parse import unquote

import schemathesis

# The pattern of the document for If-Match.
ENTITY_TAGS = re.compile(r'(?:\*|(?:W/)?"[!#-~]*"(?:[ \t]*,[ \t]*(?:W/)?"[!#-~]*")*)')

# What no path may have, whatever the schema of its parameters says: servers read it in different ways.
AMBIGUOUS = re.compile(r"[\\/]|^\.+$")

SHAPE = ("urn:orderflow:problem:invalid-request", "urn:orderflow:problem:malformed-request")


def is_as_documented(case):
    """Returns whether the request fits the document. Schemathesis also sends headers that their pattern forbids."""
    headers = {name.lower(): value for name, value in (case.headers or {}).items()}
    if_match = headers.get("if-match")
    if if_match is not None and not ENTITY_TAGS.fullmatch(str(if_match)):
        return False
    return not any(AMBIGUOUS.search(unquote(str(value))) for value in (case.path_parameters or {}).values())


@schemathesis.check
def an_allowed_request_is_not_refused_for_its_shape(ctx, response, case):
    """Fails if the document allows a request that is answered `invalid-request` or `malformed-request`."""
    meta = case.meta
    if meta is None or not meta.generation.mode.is_positive or response.status_code not in (400, 422):
        return
    problem = response.json()
    if problem["type"] in SHAPE and is_as_documented(case):
        raise AssertionError(f"the document allows the request: {problem}")
