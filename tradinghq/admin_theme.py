"""The admin in the dashboard's words and colours, through django-unfold's own settings.

Every process and command reads them, and few draw a page: what addresses a page is loaded when one is drawn.
"""

from typing import TYPE_CHECKING, Any

from django.utils.functional import lazy

if TYPE_CHECKING:
    from django.http import HttpRequest


def _reversed(name: str) -> str:
    from django.urls import reverse

    return reverse(name)


def _static(path: str) -> str:
    from django.templatetags.static import static

    return static(path)


_page = lazy(_reversed, str)


def _is_home(request: "HttpRequest") -> bool:
    return request.path == "/admin/"


def _elsewhere(request: "HttpRequest") -> bool:  # noqa: ARG001
    """A page of the desk is never the one that is open here."""
    return False


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "TradingHQ admin",
    "SITE_HEADER": "TradingHQ",
    "SITE_SUBHEADER": "The firm's tables",
    "SITE_URL": "/",
    "SITE_SYMBOL": "candlestick_chart",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _: _static("tradinghq/icon.svg")},
    ],
    "SHOW_HISTORY": True,
    "LOGIN": {"form": "tradinghq.admin_sign_in.LimitedSignInForm"},
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "6px",
    "ENVIRONMENT": "tradinghq.admin_home.mode_badge",
    "DASHBOARD_CALLBACK": "tradinghq.admin_home.add_state",
    "STYLES": [lambda _: _static("tradinghq/admin.css")],
    "COLORS": {
        "base": {
            "50": "#f4f5f6",
            "100": "#eef0f2",
            "200": "#dfe3e6",
            "300": "#b9c1c8",
            "400": "#9aa5ae",
            "500": "#77828c",
            "600": "#55606a",
            "700": "#3a434b",
            "800": "#252b31",
            "900": "#14181b",
            "950": "#0e1113",
        },
        "primary": {
            "50": "#e3eef8",
            "100": "#cfe2f3",
            "200": "#aaccea",
            "300": "#8fbbe3",
            "400": "#74abdd",
            "500": "#4a8cc8",
            "600": "#1d68ab",
            "700": "#18568e",
            "800": "#1b3f61",
            "900": "#1b2c3b",
            "950": "#12202c",
        },
    },
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": [
            {
                "title": "The desk",
                "items": [
                    {"title": "Overview", "icon": "monitoring", "link": "/", "active": _elsewhere},
                    {"title": "Orders", "icon": "list_alt", "link": "/orders", "active": _elsewhere},
                    {"title": "Decisions", "icon": "rule", "link": "/decisions", "active": _elsewhere},
                    {"title": "Risk and stop", "icon": "shield", "link": "/risk", "active": _elsewhere},
                    {"title": "Breaks", "icon": "compare_arrows", "link": "/breaks", "active": _elsewhere},
                    {"title": "API", "icon": "api", "link": "/api/docs/", "active": _elsewhere},
                ],
            },
            {
                "title": "The tables",
                "items": [
                    {"title": "All tables", "icon": "table", "link": _page("admin:index"), "active": _is_home},
                    {
                        "title": "Orders",
                        "icon": "receipt_long",
                        "link": _page("admin:trading_order_changelist"),
                    },
                    {"title": "Fills", "icon": "done_all", "link": _page("admin:trading_fill_changelist")},
                    {
                        "title": "Ledger",
                        "icon": "menu_book",
                        "link": _page("admin:trading_ledgerposting_changelist"),
                    },
                    {"title": "Limits", "icon": "speed", "link": _page("admin:trading_risklimits_changelist")},
                    {
                        "title": "Accounts",
                        "icon": "account_balance",
                        "link": _page("admin:trading_account_changelist"),
                    },
                    {
                        "title": "Breaks",
                        "icon": "difference",
                        "link": _page("admin:trading_reconciliationbreak_changelist"),
                    },
                    {"title": "People", "icon": "person", "link": _page("admin:auth_user_changelist")},
                    {
                        "title": "Sessions",
                        "icon": "key",
                        "link": _page("admin:foundation_authsession_changelist"),
                    },
                    {
                        "title": "Audit",
                        "icon": "history",
                        "link": _page("admin:foundation_auditentry_changelist"),
                    },
                ],
            },
        ],
    },
}
