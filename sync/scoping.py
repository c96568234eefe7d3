"""What a configuration's scope costs: whom the switches, rules and exclusions leave out (pure; spec §3)."""

from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from mapping.configuration import Configuration
from mapping.fields import DirectoryUser
from mapping.scope import LeftOut, Reason, Scope

_SAMPLES = 5
"""People named of each kind."""


class ScopePerson(msgspec.Struct, frozen=True):
    """A person whom a rule keeps or leaves out, with the value that the rule looks at."""

    id: str
    name: str
    value: str | None


class LeftOutPerson(msgspec.Struct, frozen=True):
    """A person who is left out, and the first reason; `rule` is the number of a scope rule, from 1."""

    id: str
    name: str
    reason: LeftOut
    rule: int | None


class RuleCost(msgspec.Struct, frozen=True, rename="camel"):
    """What a scope rule does to the people whom switches and exclusions let in.

    `only_this`: those whom this rule alone leaves out, and who would come in without it.
    """

    kept: int
    left_out: int
    only_this: int
    kept_sample: list[ScopePerson]
    left_out_sample: list[ScopePerson]


@dataclass(slots=True)
class _RuleTally:
    kept: int = 0
    left_out: int = 0
    only_this: int = 0
    kept_sample: list[ScopePerson] = field(default_factory=list)
    left_out_sample: list[ScopePerson] = field(default_factory=list)


@dataclass(slots=True)
class ScopeTally:
    """Counts people by what the scope makes of them. `switches`: what turning each switch adds, less what it takes."""

    scope: Scope
    turned: dict[str, Scope]
    rules: list[_RuleTally]
    left_out: int = 0
    reasons: dict[str, int] = field(default_factory=lambda: dict.fromkeys(map(str, LeftOut), 0))
    switches: dict[str, int] = field(default_factory=lambda: {"includeGuests": 0, "includeDisabled": 0})
    sample: list[LeftOutPerson] = field(default_factory=list)

    @classmethod
    def of(cls, configuration: Configuration) -> "ScopeTally":
        """Nobody counted yet."""
        turned = {
            "includeGuests": replace(configuration, include_guests=not configuration.include_guests),
            "includeDisabled": replace(configuration, include_disabled=not configuration.include_disabled),
        }
        scopes = {name: Scope(other) for name, other in turned.items()}
        return cls(Scope(configuration), scopes, [_RuleTally() for _ in configuration.scope_rules])

    def count(self, user: DirectoryUser) -> None:
        """Count a user whom Graph told whole."""
        reasons = list(self.scope.reasons(user))
        for switch, other in self.turned.items():
            self.switches[switch] += other.keeps(user) - (not reasons)
        if reasons:
            self._leave_out(user, reasons)
        failed = {reason.rule for reason in reasons if reason.rule is not None}
        # A rule says nothing of a guest who is left out in any case.
        if len(failed) == len(reasons):
            for number in range(1, len(self.rules) + 1):
                self._count_rule(number, user, failed)

    def rule_costs(self) -> list[RuleCost]:
        return [msgspec.convert(one, RuleCost, from_attributes=True) for one in self.rules]

    def _leave_out(self, user: DirectoryUser, reasons: list[Reason]) -> None:
        self.left_out += 1
        for code in {reason.code for reason in reasons}:
            self.reasons[code] += 1
        if len(self.sample) < _SAMPLES:
            self.sample.append(LeftOutPerson(user.id, directory_name(user), *reasons[0]))

    def _count_rule(self, number: int, user: DirectoryUser, failed: set[int]) -> None:
        tally, rule = self.rules[number - 1], self.scope.rules[number - 1]
        if number in failed:
            tally.left_out += 1
            tally.only_this += failed == {number}
        else:
            tally.kept += 1
        sample = tally.left_out_sample if number in failed else tally.kept_sample
        if len(sample) < _SAMPLES:
            sample.append(ScopePerson(user.id, directory_name(user), rule.value_of(user)))


def directory_name(user: DirectoryUser) -> str:
    """How a directory user is named to an administrator, by what of the user was asked for."""
    names = [one for one in (user.given_name, user.surname) if type(one) is str and one]
    others = [one for one in (user.display_name, user.mail, user.user_principal_name) if type(one) is str and one]
    return " ".join(names) or next(iter(others), "")
