"""What the list must be, by the spec alone: a reference model to hold the engine against (spec §3 to §5).

It knows no pages, rows, hashes or crashes. It is written from the spec, a rule at a time, and shares no code with it.
"""

from dataclasses import dataclass, field

STORAGE_REFUSES = 32 * 1024
"""Characters that fit into no column: who has so long a value keeps the contact, or none, that he had."""

MAPPING = {"givenName": "firstName", "surname": "lastName", "mail": "email", "companyName": "company"}


@dataclass
class Card:
    """A contact as people see it. `user` is the directory user behind it, or whose it was when `linked` is False."""

    born: tuple
    fields: dict
    own_id: str = ""
    user: str | None = None
    linked: bool = False
    remembered: dict = field(default_factory=dict)
    removed_by_person: bool = False
    edited: bool = False


@dataclass
class Model:
    """The list after each run. `users`: the directory now, by id; None for who was removed.

    `unheard`: of whom the next delta tells. `missed`: of whom no delta tells, whatever becomes of them, until a full
    run looks. `enabled_untold`: the directory does not say whose account is enabled.
    """

    keep_local: bool = False
    hard_delete: bool = False
    include_guests: bool = False
    include_disabled: bool = False
    rules: list = field(default_factory=list)
    excluded: list = field(default_factory=list)
    users: dict = field(default_factory=dict)
    cards: list = field(default_factory=list)
    unheard: set = field(default_factory=set)
    missed: set = field(default_factory=set)
    enabled_untold: bool = False
    ticks: int = 0

    # What happens in the directory.

    def hire(self, user_id, **values):
        self.users[user_id] = dict(values)
        self.unheard.add(user_id)

    def change(self, user_id, **values):
        if self.users.get(user_id) is not None:
            self.users[user_id] |= values
            self.unheard.add(user_id)

    def leave(self, user_id):
        if self.users.get(user_id) is not None:
            self.users[user_id] = None
            self.unheard.add(user_id)

    def come_back(self, user_id, **values):
        self.users[user_id] = dict(values)
        self.unheard.add(user_id)

    def miss(self, user_id):
        """The deltas miss what has just become of a user."""
        if user_id in self.users:
            self.unheard.discard(user_id)
            self.missed.add(user_id)

    # What people do to contacts.

    def add(self, **fields):
        self.ticks += 1
        self.cards.append(Card((self.ticks, ""), {k: v for k, v in fields.items() if v}))
        return self.cards[-1]

    def edit(self, card, **fields):
        after = {k: v for k, v in {**card.fields, **fields}.items() if v}
        if after != card.fields:
            card.fields, card.edited = after, card.edited or card.linked

    def drop(self, card):
        if card.linked:
            card.removed_by_person, card.edited, card.fields = True, True, {}
        else:
            self.cards.remove(card)

    # A run, and what it means.

    def run(self, *, full, verifies=False):
        """A verification hears first what a delta tells, and then looks at everybody; who left goes at its end."""
        self.ticks += 1
        heard = [one for one in self.users if one in self.unheard]
        if verifies or not full:
            self.meet_all(heard)
        if full:
            heard = list(self.users)
            self.meet_all(heard)
        for card in self.cards:
            if card.edited and card.user not in heard:
                self.settle(card, card.remembered)
        for user_id in heard:
            if not self.counts(user_id):
                self.part(user_id)
        self.unheard.clear()
        if full:
            self.missed.clear()

    def meet_all(self, heard):
        """Whose contact it is, or was, comes first; then addresses decide, in the order of address and object id."""
        there = [one for one in heard if self.counts(one)]
        mine = {card.user for card in self.cards}
        for user_id in sorted(there, key=lambda one: (one not in mine, self.address(one), one)):
            self.meet(user_id)

    def counts(self, user_id):
        user = self.users.get(user_id)
        if user is None or (user.get("userType") == "Guest" and not self.include_guests):
            return False
        if user_id in self.excluded or not all(self.meets(user, *rule) for rule in self.rules):
            return False
        return user.get("accountEnabled") is not False or self.include_disabled or self.enabled_untold

    def meets(self, user, name, operator, *values):
        value = (user.get(name) or "").strip().lower()
        match operator:
            case "is":
                return value in values
            case "starts_with":
                return any(value[: len(one)] == one for one in values)
            case "is_empty":
                return value == ""
        raise AssertionError(operator)

    def meet(self, user_id):
        user = self.users[user_id]
        values = {MAPPING[name]: user[name] for name in MAPPING if user.get(name)}
        if any(len(value) > STORAGE_REFUSES for value in values.values()):
            return
        card = next((one for one in self.cards if one.user == user_id), None)
        card = card or self.by_mail(user.get("mail"))
        if card is None:
            card = Card((self.ticks, user_id), {}, user=user_id)
            self.cards.append(card)
        if card.removed_by_person and self.keep_local:
            card.edited = False
            return
        card.user, card.linked, card.removed_by_person = user_id, True, False
        self.settle(card, values)

    def by_mail(self, mail):
        free = [one for one in self.cards if not one.linked]
        same = [one for one in free if mail and one.fields.get("email", "").strip().lower() == mail.strip().lower()]
        return min(same, key=lambda one: one.born, default=None)

    def address(self, user_id):
        return (self.users[user_id].get("mail") or "").strip().lower()

    def settle(self, card, values):
        if card.removed_by_person and self.keep_local:
            card.edited = False
            return
        card.removed_by_person, card.edited, card.remembered = False, False, values
        for target in MAPPING.values():
            if not self.keep_local or target not in card.fields:
                card.fields.pop(target, None)
                card.fields |= {target: values[target]} if target in values else {}

    def part(self, user_id):
        for card in [one for one in self.cards if one.user == user_id]:
            if card.removed_by_person or (card.linked and self.hard_delete):
                self.cards.remove(card)
            elif card.linked:
                card.linked, card.edited, card.remembered = False, False, {}

    # What people see.

    def shown(self):
        """Whether linked, and the fields, of every contact; by its (former) user, else by its own id."""
        return {one.user or one.own_id: (one.linked, one.fields) for one in self.cards if not one.removed_by_person}
