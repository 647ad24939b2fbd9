"""Who may trade: one row an account, held by one house at a time, in terms that are numbered and never repeat."""

import pgtrigger
from django.db import models
from django.db.models import Q

_ONE_HOLDER = (
    "IF TG_OP = 'INSERT' THEN "
    "IF NEW.epoch <> 0 OR NEW.house <> '' OR NEW.expires_at > clock_timestamp() THEN "
    "RAISE EXCEPTION 'The lease of % is born ended and without a holder', NEW.scope "
    "USING ERRCODE = 'check_violation'; END IF; "
    "RETURN NEW; END IF; "
    "IF NEW.epoch < OLD.epoch THEN "
    "RAISE EXCEPTION 'The lease of %: its epoch may not fall from % to %', NEW.scope, OLD.epoch, NEW.epoch "
    "USING ERRCODE = 'check_violation'; END IF; "
    "IF NEW.house <> OLD.house AND OLD.expires_at > clock_timestamp() THEN "
    "RAISE EXCEPTION 'The lease of % is held by % until %', NEW.scope, OLD.holder, OLD.expires_at "
    "USING ERRCODE = 'check_violation'; END IF; "
    "IF NEW.epoch = OLD.epoch AND (NEW.house <> OLD.house OR "
    "(NEW.expires_at > OLD.expires_at AND OLD.expires_at <= clock_timestamp())) THEN "
    "RAISE EXCEPTION 'The lease of %: a new term needs a new epoch', NEW.scope "
    "USING ERRCODE = 'check_violation'; END IF; "
    "IF NEW.expires_at > OLD.expires_at AND EXISTS "
    "(SELECT FROM foundation_database_duty WHERE duty = 'research') THEN "
    "RAISE EXCEPTION 'This is the database of a research instance: nobody trades on it' "
    "USING ERRCODE = 'check_violation'; END IF; "
    "RETURN NEW;"
)


class Lease(models.Model):
    """All times are the database's (``clock_timestamp()``). The database refuses to lower an epoch, to give a lease
    that is alive to another house, to revive an ended term, a term of nobody, and to delete a row.
    """

    scope = models.CharField(max_length=40, primary_key=True, help_text="The account's name.")
    holder = models.CharField(max_length=80, default="", blank=True, help_text="HQ_INSTANCE of the last holder.")
    house = models.CharField(max_length=64, default="", blank=True, help_text="Which house that is, whatever its name.")
    epoch = models.BigIntegerField(default=0)
    acquired_at = models.DateTimeField(null=True)
    renewed_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    released = models.BooleanField(default=False, help_text="The last holder let go; its end need not be waited out.")
    sends_from = models.DateTimeField(help_text="Until then a request of an earlier holder may still be under way.")

    class Meta:
        db_table = "foundation_lease"
        ordering = ["scope"]
        constraints = (
            models.CheckConstraint(
                condition=Q(epoch=0, house="") | (Q(epoch__gt=0) & ~Q(house="")), name="lease_term_has_a_house"
            ),
        )
        triggers = (
            pgtrigger.Trigger(
                name="one_holder",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func=_ONE_HOLDER,
            ),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
        )

    def __str__(self) -> str:
        return f"{self.scope}: {self.holder or 'nobody'}, epoch {self.epoch}"
