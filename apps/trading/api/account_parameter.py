"""The query parameter ``account`` of views that are no lists."""

from drf_spectacular.utils import OpenApiParameter

ACCOUNT = OpenApiParameter("account", str, description="An account's name; left out: the one that the house trades.")
ACCOUNT_OR_ALL = OpenApiParameter("account", str, description="An account's name; left out: all of them.")
