"""What ``up`` prints once the house runs: where to look, who may enter, which market it is."""

from collections.abc import Callable

from django.conf import settings

from tradinghq.supervision.first_steps import ADMIN, FIRST_LOGIN

MARKETS = {
    "live": "live public prices of {providers}; {filled}",
    "recorded": "RECORDED MARKET: candle files of {recorded}; {filled}",
    "simulated": "SIMULATED MARKET: generated practice prices, not real ones; {filled}",
}


FILLED = {
    "paper": "orders are filled on paper",
    "simulated": "orders go through ccxt to the exchange simulator of this house; no real money moves",
}


def say_where_to_look(say: Callable[[str], None], first_login: str | None) -> None:
    """Print the addresses, the login, the market and the logs."""
    host = "127.0.0.1" if settings.HQ_HOST in {"0.0.0.0", "::"} else settings.HQ_HOST  # noqa: S104 - compared, not bound
    url = f"http://{host}:{settings.HQ_PORT}"
    market = MARKETS[settings.MARKET].format(
        providers=", ".join(settings.PROVIDERS),
        recorded=settings.RECORDED_DIR or "no folder",
        filled=FILLED.get(settings.VENUE, f"ORDERS GO TO THE ACCOUNT {settings.VENUE}"),
    )
    file = settings.HQ_HOME / FIRST_LOGIN
    login = f"{ADMIN}, password {first_login} (kept in {file})" if first_login else f"{ADMIN} (first password: {file})"
    lines = (
        ("Desk", f"{url}/"),
        ("Admin", f"{url}/admin/"),
        ("API", f"{url}/api/docs/"),
        ("Login", login),
        ("Market", market),
        ("Logs", f"{settings.HQ_HOME / 'logs'}/"),
        ("Stop", "Ctrl-C"),
    )
    say("\n".join(["TradingHQ runs.", *(f"  {name:<8}{value}" for name, value in lines)]))
