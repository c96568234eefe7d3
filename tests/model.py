"""What the list must be, by the spec alone: a reference model to hold the engine against (spec §3 to §5).

It knows no pages, rows, hashes or crashes. It is written from the spec, a rule at a time, and shares no code with it.
"""

from dataclasses import dataclass, field, replace

STORAGE_REFUSES = 32 * 1024
"""Characters that fit into no column: who has so long a value keeps the contact, or none, that he had."""

MAPPING = {
    "givenName": "firstName",
    "surname": "lastName",
    "mail": "email",
    "companyName": "company",
    "mobilePhone": "mobilePhone",
}

INTERNATIONAL = {
    ("044 668 18 00", "CH"): "+41446681800",
    ("044 668 18 00", "DE"): "+49446681800",
    ("+41 44 668 18 00", "CH"): "+41446681800",
    ("+41 44 668 18 00", "DE"): "+41446681800",
    ("+41 44 668 18 00", None): "+41446681800",
}


@dataclass
class Card:
    """A contact as people see it. `user` is the directory user behind it, or whose it was when `linked` is False.

    `row` is its id: its first user's, unless another contact had that one then. `mark` names the last change that
    people saw.
    """

    born: tuple
    fields: dict
    row: object = None
    mark: object = None
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
    run looks. `enabled_untold`: the directory does not say whose account is enabled. `journals`: of each run, by its
    number, the contacts that it changed, as they were before, and the marks that it left them; `edits`: of each edit.
    """

    keep_local: bool = False
    hard_delete: bool = False
    include_guests: bool = False
    include_disabled: bool = False
    e164: bool = False
    rules: list = field(default_factory=list)
    excluded: list = field(default_factory=list)
    users: dict = field(default_factory=dict)
    cards: list = field(default_factory=list)
    unheard: set = field(default_factory=set)
    missed: set = field(default_factory=set)
    enabled_untold: bool = False
    ticks: int = 0
    journals: dict = field(default_factory=dict)
    edits: dict = field(default_factory=dict)

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
        fields = {k: v for k, v in fields.items() if v}
        self.cards.append(Card((self.ticks, ""), fields, ("own", self.ticks), ("person", self.ticks)))
        self.edits[self.ticks] = self.cards[-1].row, None, self.cards[-1].mark
        return self.cards[-1]

    def edit(self, card, **fields):
        """Whether it changes anything."""
        after = {k: v for k, v in {**card.fields, **fields}.items() if v}
        if after == card.fields:
            return False
        self.ticks += 1
        former = self.kept()[card.row]
        card.fields, card.edited, card.mark = after, card.edited or card.linked, ("person", self.ticks)
        self.edits[self.ticks] = card.row, former, card.mark
        return True

    def drop(self, card):
        self.ticks += 1
        former = self.kept()[card.row]
        if card.linked:
            card.removed_by_person, card.edited, card.fields = True, True, {}
            card.mark = ("person", self.ticks)
        else:
            self.cards.remove(card)
        self.edits[self.ticks] = card.row, former, self.mark_of(card.row)

    # A run, and what it means.

    def run(self, *, full, verifies=False, told=()):
        """A verification hears first what a delta tells, and then looks at everybody; who left goes at its end.

        `told`: rows that the run's history names. Microsoft may say of somebody one thing, then another, then the first
        again: that is a change as well, though nobody sees a difference in the end.
        """
        self.ticks += 1
        before = self.kept()
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
        for card in self.cards:
            if card.row in told or seen(before.get(card.row)) != seen(card):
                card.mark = ("run", self.ticks)
        self.note(before)

    def undo(self, number):
        """What a run changed, and nobody has changed since, is what it was before, unless its user has another one."""
        self.ticks += 1
        before = self.kept()
        wanted = {row: former for row, (former, mark) in self.journals[number].items() if self.mark_of(row) == mark}
        again = True
        while again:
            again = False
            for row, former in list(wanted.items()):
                if not self.is_free(row, former):
                    continue
                self.put_back(row, former)
                del wanted[row]
                again = True
        self.note(before)

    def undo_edits(self, numbers):
        """The same of a person's edits, the last one first."""
        self.ticks += 1
        before = self.kept()
        for number in sorted(numbers, reverse=True):
            row, former, mark = self.edits[number]
            if self.mark_of(row) == mark and self.is_free(row, former):
                self.put_back(row, former)
        self.note(before)

    def put_back(self, row, former):
        self.cards = [one for one in self.cards if one.row != row]
        self.cards += [] if former is None else [replace(former, fields=dict(former.fields))]

    def is_free(self, row, former):
        user = None if former is None else former.user
        return user is None or not any(one.user == user and one.row != row for one in self.cards)

    def kept(self):
        return {one.row: replace(one, fields=dict(one.fields)) for one in self.cards}

    def mark_of(self, row):
        return next((one.mark for one in self.cards if one.row == row), None)

    def note(self, before):
        """Remember what a run changed."""
        now = {one.row: one.mark for one in self.cards}
        former = {row: card.mark for row, card in before.items()}
        changed = [row for row in {*before, *now} if now.get(row) != former.get(row)]
        self.journals[self.ticks] = {row: (before.get(row), now.get(row)) for row in changed}

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
        if self.e164 and "mobilePhone" in values:
            number = values["mobilePhone"]
            values["mobilePhone"] = INTERNATIONAL.get((number, user.get("usageLocation")), number)
        if any(len(value) > STORAGE_REFUSES for value in values.values()):
            return
        card = next((one for one in self.cards if one.user == user_id), None)
        card = card or self.by_mail(user.get("mail"))
        if card is None:
            taken = any(one.row == user_id for one in self.cards)
            card = Card((self.ticks, user_id), {}, ("other", user_id) if taken else user_id, user=user_id)
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


def seen(card):
    """What people see of a contact; that they do not see it is seen as well."""
    return None if card is None or card.removed_by_person else (card.linked, card.fields)
