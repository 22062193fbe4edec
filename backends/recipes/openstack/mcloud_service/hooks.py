"""The places in which OpenStack's own code is made to do otherwise. Each is named with the parameters that it had when what takes its place was
written. In a release where it has others it may mean something else: there the module that hooks it can't be imported, and as the image's
build imports it, no image is made."""

import functools
import inspect


def wrap(owner, name, wrapper, *parameters):
    """OWNER's function NAME becomes what WRAPPER makes of it. PARAMETERS are the names of its first."""
    original = getattr(owner, name)
    found = tuple(inspect.signature(inspect.unwrap(original)).parameters)
    if found[:len(parameters)] != parameters:
        raise TypeError('%s.%s takes %s, not %s: what is hooked there was written for another release' %
                        (owner.__name__, name, ', '.join(found), ', '.join(parameters)))
    setattr(owner, name, functools.wraps(original)(wrapper(original)))
