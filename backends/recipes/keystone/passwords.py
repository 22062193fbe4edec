"""Passwords, and application credentials' secrets, count to their last byte, whatever they are kept by.

keystone.conf has a hash without bcrypt's limit. What an earlier version kept by bcrypt goes on being good: but bcrypt looks at 72
bytes only, so a longer password that begins like such a one would be taken for it. And both hashes leave NULs at the end out of
account, or refuse them with an exception that nobody catches.
"""

from mcloud_service import hooks

from keystone import exception
from keystone.common import password_hashing

# It was refused to be longer when these hashes were made.
BCRYPT_LENGTH = 72


class _WholeBcrypt:
    def __init__(self, hasher):
        self._hasher = hasher

    def verify(self, password, hashed):
        return len(password) <= BCRYPT_LENGTH and self._hasher.verify(password, hashed)


def _whole(get_hasher):
    def get_whole_hasher(hashed):
        hasher = get_hasher(hashed)
        return _WholeBcrypt(hasher) if hashed.startswith('$2') else hasher
    return get_whole_hasher


def _without_nul(prepare):
    def prepare_without_nul(password):
        password_utf8 = prepare(password)
        if b'\0' in password_utf8:
            raise exception.ValidationError(attribute='string without NUL', target='password')
        return password_utf8
    return prepare_without_nul


hooks.wrap(password_hashing, '_get_hasher_from_ident', _whole, 'hashed')
hooks.wrap(password_hashing, 'verify_length_and_trunc_password', _without_nul, 'password')
