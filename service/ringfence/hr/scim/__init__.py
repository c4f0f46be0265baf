"""The SCIM 2.0 service: Entra ID and Okta push users to it. See `docs/howto/connect-entra-id.md`."""

from ringfence.hr.scim.door import ScimDoor
from ringfence.hr.scim.keeper import Inlet
from ringfence.hr.scim.settings import ScimSettings, read_token

__all__ = ["Inlet", "ScimDoor", "ScimSettings", "read_token"]
