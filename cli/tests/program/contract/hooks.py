"""What Orderflow promises beyond the checks of Schemathesis itself."""

import schemathesis

SHAPE = ("urn:orderflow:problem:invalid-request", "urn:orderflow:problem:malformed-request")


@schemathesis.check
def an_allowed_request_is_not_refused_for_its_shape(ctx, response, case):
    """Fails if the document allows a request that is answered `invalid-request` or `malformed-request`."""
    meta = case.meta
    if meta is None or not meta.generation.mode.is_positive or response.status_code not in (400, 422):
        return
    problem = response.json()
    if problem["type"] in SHAPE:
        raise AssertionError(f"the document allows the request: {problem}")
