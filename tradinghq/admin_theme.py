"""The admin in the dashboard's words and colours, through django-unfold's own settings."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def _is_home(request: HttpRequest) -> bool:
    return request.path == "/admin/"


def _elsewhere(request: HttpRequest) -> bool:  # noqa: ARG001
    """A page of the desk is never the one that is open here."""
    return False


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "TradingHQ admin",
    "SITE_HEADER": "TradingHQ",
    "SITE_SUBHEADER": "The firm's tables",
    "SITE_URL": "/",
    "SITE_SYMBOL": "candlestick_chart",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _: static("tradinghq/icon.svg")},
    ],
    "SHOW_HISTORY": True,
    "LOGIN": {"form": "tradinghq.admin_sign_in.LimitedSignInForm"},
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "6px",
    "ENVIRONMENT": "tradinghq.admin_home.mode_badge",
    "DASHBOARD_CALLBACK": "tradinghq.admin_home.add_state",
    "STYLES": [lambda _: static("tradinghq/admin.css")],
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
                    {"title": "All tables", "icon": "table", "link": reverse_lazy("admin:index"), "active": _is_home},
                    {
                        "title": "Orders",
                        "icon": "receipt_long",
                        "link": reverse_lazy("admin:trading_order_changelist"),
                    },
                    {"title": "Fills", "icon": "done_all", "link": reverse_lazy("admin:trading_fill_changelist")},
                    {
                        "title": "Ledger",
                        "icon": "menu_book",
                        "link": reverse_lazy("admin:trading_ledgerposting_changelist"),
                    },
                    {"title": "Limits", "icon": "speed", "link": reverse_lazy("admin:trading_risklimits_changelist")},
                    {
                        "title": "Accounts",
                        "icon": "account_balance",
                        "link": reverse_lazy("admin:trading_account_changelist"),
                    },
                    {
                        "title": "Breaks",
                        "icon": "difference",
                        "link": reverse_lazy("admin:trading_reconciliationbreak_changelist"),
                    },
                    {"title": "People", "icon": "person", "link": reverse_lazy("admin:auth_user_changelist")},
                    {
                        "title": "Sessions",
                        "icon": "key",
                        "link": reverse_lazy("admin:foundation_authsession_changelist"),
                    },
                    {
                        "title": "Audit",
                        "icon": "history",
                        "link": reverse_lazy("admin:foundation_auditentry_changelist"),
                    },
                ],
            },
        ],
    },
}
