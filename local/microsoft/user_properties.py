"""The properties of a user that Graph knows by name (facts/graph.md 2.1 to 2.3)."""

DEFAULT: tuple[str, ...] = (
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
)
"""What is told without `$select`."""

_SELECTED_ONLY = """
    accountEnabled city companyName country createdDateTime department employeeHireDate employeeId employeeOrgData
    employeeType externalUserState faxNumber identities imAddresses mailNickname manager onPremisesDistinguishedName
    onPremisesDomainName onPremisesExtensionAttributes onPremisesImmutableId onPremisesSamAccountName
    onPremisesSyncEnabled onPremisesUserPrincipalName otherMails postalCode proxyAddresses securityIdentifier state
    streetAddress usageLocation userType
"""
KNOWN = frozenset(DEFAULT) | frozenset(_SELECTED_ONLY.split())

_STORED_ELSEWHERE = """
    aboutMe birthday cloudLicensing deviceEnrollmentLimit hireDate interests mailboxSettings mySite pastProjects
    preferredName print responsibilities schools signInActivity skills
"""
OFF_STORE = frozenset(_STORED_ELSEWHERE.split())
"""Stored outside the directory: a collection of users does not have them, whatever the permission (2.2)."""
