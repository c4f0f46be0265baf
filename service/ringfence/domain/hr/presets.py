"""Which column of a well-known export is which field of a record. Data only: `field_mapping.mapping_of` reads it.

Exports are made by each organisation as it likes; these are the names the products give such columns. Every column of a
preset has to be in the file, so that one that vanishes is noticed; the configuration renames and switches off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class MappedField(StrEnum):
    """What a column can be."""

    # Enum's own is written in Python, and a hundred thousand rows look up two million times.
    __hash__ = str.__hash__

    ID = "id"
    KEY = "key"
    POST = "post"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    NAME = "name"
    EMAIL = "email"
    SITE = "site"
    DEPARTMENT = "department"
    MANAGER = "manager"
    DID = "did"
    WORK_NUMBER = "work_number"
    PRIVATE_NUMBER = "private_number"
    ACTIVE = "active"
    STARTS = "starts"
    ENDS = "ends"
    ENDS_AT = "ends_at"
    AWAY_FROM = "away_from"
    AWAY_UNTIL = "away_until"
    DEPUTY = "deputy"
    ON_CALL = "on_call"


@dataclass(frozen=True, slots=True)
class Preset:
    """`words` are the export's own for employed (true) and not (false), beside those everybody understands."""

    title: str
    columns: Mapping[MappedField, tuple[str, ...]]
    words: Mapping[str, bool]


def _preset(title: str, columns: Mapping[str, str], words: Mapping[str, bool] | None = None) -> Preset:
    fields = {MappedField(field): (column,) for field, column in columns.items()}
    return Preset(title, MappingProxyType(fields), MappingProxyType(dict(words or {})))


PRESETS: Final[Mapping[str, Preset]] = MappingProxyType(
    {
        "plain": _preset(
            "a file with the names of the fields themselves",
            {
                "key": "key",
                "name": "name",
                "email": "email",
                "site": "site",
                "department": "department",
                "did": "did",
                "work_number": "work_number",
                "private_number": "private_number",
                "active": "active",
                "starts": "starts",
                "ends": "ends",
            },
        ),
        "workday": _preset(
            "Workday: a custom report on all active and terminated workers",
            {
                "key": "Employee ID",
                "first_name": "Preferred Name - First Name",
                "last_name": "Preferred Name - Last Name",
                "email": "Email - Primary Work",
                "site": "Location",
                "department": "Supervisory Organization",
                "manager": "Manager",
                "did": "Phone - Primary Work",
                "private_number": "Phone - Primary Home",
                "active": "Active Status",
                "starts": "Hire Date",
                "ends": "Termination Date",
            },
        ),
        "bamboohr": _preset(
            "BambooHR: a custom report",
            {
                "key": "Employee #",
                "first_name": "First Name",
                "last_name": "Last Name",
                "email": "Work Email",
                "site": "Location",
                "department": "Department",
                "manager": "Reports To",
                "did": "Work Phone",
                "private_number": "Mobile Phone",
                "active": "Status",
                "starts": "Hire Date",
                "ends": "Termination Date",
            },
        ),
        "personio": _preset(
            "Personio: an export of the list of employees, in English",
            {
                "key": "Personnel number",
                "first_name": "First name",
                "last_name": "Last name",
                "email": "Email",
                "site": "Office",
                "department": "Department",
                "manager": "Supervisor",
                "did": "Work phone",
                "private_number": "Mobile phone",
                "active": "Status",
                "starts": "Hire date",
                "ends": "End of employment",
            },
            {"onboarding": True},
        ),
        "successfactors": _preset(
            "SAP SuccessFactors: the employee export (user data file), system keys as header",
            {
                "key": "USERID",
                "first_name": "FIRSTNAME",
                "last_name": "LASTNAME",
                "email": "EMAIL",
                "site": "LOCATION",
                "department": "DEPARTMENT",
                "manager": "MANAGER",
                "did": "BIZ_PHONE",
                "active": "STATUS",
                "starts": "HIREDATE",
            },
        ),
        "itrent": _preset(
            "iTrent: a report on people and their positions, a row for each position",
            {
                "key": "Personal Reference",
                "post": "Position Reference",
                "first_name": "Known As",
                "last_name": "Surname",
                "email": "Work Email",
                "site": "Location",
                "department": "Unit",
                "manager": "Reporting Manager",
                "did": "Work Telephone",
                "private_number": "Mobile Telephone",
                "starts": "Position Start Date",
                "ends": "Position End Date",
            },
        ),
        "active_directory": _preset(
            "Active Directory over LDAP; accountActive is made of userAccountControl",
            {
                "id": "objectGUID",
                "key": "employeeID",
                "name": "displayName",
                "first_name": "givenName",
                "last_name": "sn",
                "email": "mail",
                "site": "physicalDeliveryOfficeName",
                "department": "department",
                "manager": "manager",
                "did": "telephoneNumber",
                "private_number": "mobile",
                "active": "accountActive",
                "ends_at": "accountExpires",
            },
        ),
        "scim": _preset(
            "SCIM 2.0: the user resource with the enterprise extension, flattened",
            {
                "id": "id",
                "key": "externalId",
                "name": "displayName",
                "first_name": "name.givenName",
                "last_name": "name.familyName",
                "email": "emails[work]",
                "department": "enterprise.department",
                "manager": "enterprise.manager",
                "did": "phoneNumbers[work]",
                "private_number": "phoneNumbers[mobile]",
                "active": "active",
            },
        ),
    }
)
