"""The one permission class: the role that the view names for the method."""

from typing import Any

from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.foundation.permissions import role_of, suffices


class RoleRequired(BasePermission):
    """Lets in whom ``view.roles[method]`` lets in; says which role is missing."""

    def has_permission(self, request: Request, view: Any) -> bool:
        needed = view.needed_role(request.method)
        if suffices(role_of(request.user), needed):
            return True
        if not request.user or not request.user.is_authenticated:
            raise NotAuthenticated("Sign in first: send the header 'Authorization: Bearer <access token>'.")
        held = role_of(request.user)
        raise PermissionDenied(f"This needs the role {needed}; yours is {held or 'none'}.")
